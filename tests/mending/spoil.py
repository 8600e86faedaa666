"""A generator of spoiled articles: takes a clean text and splices spam into it, keeping the spans.

It is told what to do by `Spoiling`; same seed, same bytes. The phrases are written for this project: the sort of thing
content farms splice in, in both scripts, of many kinds, so that what is tuned on some kinds can be measured on others.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["GLOSSES", "PHRASES", "Spoiled", "Spoiling", "disguised", "spoil", "title_pieces"]

PHRASES: dict[str, tuple[str, ...]] = {
    "sport": (
        "今晚西甲免费观看地址",
        "nba季后赛赛程表2023",
        "cba回放完整版下载",
        "意甲射手榜排名表",
        "乒乓球世锦赛在线高清",
        "中超直播吧手机版",
        "f1赛车比赛回放网址",
        "世界杯预选赛积分怎么算",
        "英雄联盟s13决赛重播",
        "湖人vs勇士全场录像",
    ),
    "sport_hant": (
        "中職線上看免費",
        "mlb文字轉播比分表",
        "歐冠決賽直播網址推薦",
        "世足賽運彩分析",
        "nba今日賽事預測表",
        "排球賽程2024門票",
    ),
    "lottery": (
        "双色球今晚开什么号",
        "香港六合彩资料大全",
        "体彩大乐透走势图表",
        "3d试机号今天最新",
        "澳门开奖记录2022全年",
        "时时彩计划软件手机版",
        "福彩快三技巧稳赚",
        "足彩14场推荐预测",
    ),
    "lottery_hant": ("今彩539版路預測", "大樂透開獎號碼查詢", "威力彩中獎機率表", "六合彩明牌討論區"),
    "novel": (
        "重生之都市仙尊txt下载",
        "霸道总裁小说排行榜完本",
        "穿越王妃漫画免费阅读",
        "玄幻小说推荐2021前十名",
        "盗墓小说有声书全集",
        "女频甜宠短篇合集",
    ),
    "novel_hant": ("言情小說線上看全文", "修仙小說排行榜推薦", "bl漫畫免費看網站"),
    "game": (
        "传奇私服发布网站",
        "王者荣耀段位代练价格",
        "手游排行榜2020前十名",
        "穿越火线刷枪软件",
        "棋牌游戏平台送现金",
        "单机游戏下载大全中文版",
        "原神兑换码最新可用",
        "地下城加点攻略90版",
    ),
    "game_hant": ("老虎機破解程式下載", "線上麻將遊戲推薦", "手遊首抽攻略排行", "娛樂城註冊送體驗金", "百家樂必勝公式"),
    "medicine": (
        "白癜风怎么治疗最好",
        "治脱发哪家医院好",
        "减肥药哪个牌子有效",
        "痔疮手术多少钱一次",
        "男科医院在线咨询",
        "祛斑霜什么牌子效果好",
        "腰椎间盘突出吃什么药",
    ),
    "medicine_hant": ("植髮價格推薦診所", "壯陽藥哪裡買", "減肥針副作用評價", "隆鼻費用比較ptt"),
    "loan": (
        "无抵押贷款当天放款",
        "信用卡套现怎么操作",
        "网贷口子2023不看征信",
        "车贷计算器在线计算",
        "黑户贷款哪里可以办",
    ),
    "loan_hant": ("小額借款快速撥款", "身分證借錢免保人", "房屋二胎利率比較"),
    "film": (
        "电影天堂迅雷下载",
        "韩剧在线观看完整版",
        "美女视频直播app下载",
        "2022动作片大全国语版",
        "电视剧全集免费播放",
        "日本动漫高清无删减",
    ),
    "film_hant": ("韓劇線上看小鴨影音", "免費電影網站推薦", "成人影片線上直播app"),
    "trade": (
        "二手挖掘机多少钱一台",
        "加盟奶茶店需要多少钱",
        "手机号码定位找人",
        "seo优化排名软件",
        "代开发票哪里靠谱",
        "不锈钢管价格表304",
    ),
    "trade_hant": ("二手車估價網站", "徵信社費用一覽表", "搬家公司推薦台中", "line代購批發價格"),
    "exam": ("四级答案2022年6月", "公务员考试真题下载pdf", "驾照科目一模拟考试", "自考本科报名官网入口"),
    "exam_hant": ("多益單字表下載", "國考題庫app推薦"),
}
"""Search phrases by kind; `_hant` kinds are Traditional."""


GLOSSES = {
    "的": "de",
    "是": "shì",
    "在": "zài",
    "有": "yǒu",
    "人": "rén",
    "不": "bù",
    "中": "zhōng",
    "大": "dà",
    "上": "shàng",
    "年": "nián",
    "出": "chū",
    "会": "huì",
    "會": "huì",
    "为": "wéi",
    "為": "wéi",
    "国": "guó",
    "國": "guó",
    "地": "dì",
    "时": "shí",
    "時": "shí",
    "要": "yào",
    "行": "xíng",
    "发": "fā",
    "發": "fā",
    "公": "gōng",
    "市": "shì",
    "民": "mín",
    "生": "shēng",
    "成": "chéng",
    "方": "fāng",
    "多": "duō",
    "同": "tóng",
    "到": "dào",
    "日": "rì",
    "月": "yuè",
    "以": "yǐ",
    "也": "yě",
    "和": "hé",
    "说": "shuō",
    "說": "shuō",
}
"""Pinyin of ordinary characters, as farms put it in brackets behind them."""


@dataclass(frozen=True, slots=True)
class Spoiling:
    """What to splice in, and how."""

    phrases: tuple[str, ...] = ()
    """Phrases to choose from."""
    phrase_count: int = 0
    """Splices of a phrase. The same phrase may come again."""
    variety: int = 8
    """At most so many different phrases of `phrases` go into one text."""
    title: str = ""
    """Title to cut into pieces; none: no pieces."""
    piece: tuple[int, int] = (2, 4)
    """Shortest and longest piece, in characters."""
    shuffle: float = 0.1
    """Chance that a character of the title changes places with one near it, so that pieces are no words."""
    gap: tuple[int, int] = (10, 25)
    """Fewest and most characters between pieces."""
    at_joints: float = 0.4
    """Chance that a splice moves on to the next punctuation mark; else it may fall inside a word."""
    share: float = 0.8
    """Share of the text, from its beginning, over which pieces are dealt."""
    invisible: int = 0
    """Invisible characters strewn in."""
    glosses: int = 0
    """Ordinary characters that get their pinyin in brackets."""
    watermark: str = ""
    """Address of a copying site, spliced in with its letters spaced or replaced."""
    watermark_count: int = 0
    fillers: float = 0.0
    """Share of clauses that end with two characters that mean nothing, others each time."""


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A spoiled text with the spans that do not belong to it, sorted and disjoint."""

    text: str
    spans: tuple[tuple[int, int], ...]
    gold: str


_JOINT = re.compile(r"[，。、；：！？」”）,.;:!?]")
_CLAUSE = re.compile(r"[\u3400-\u9fff]{3}(?=[，。；,;])")
_ORDINARY = bytes(byte for high in range(0xB0, 0xD7) for low in range(0xA1, 0xFF) for byte in (high, low)).decode(
    "gb2312"
)
"""The characters of level 1 of GB 2312, which fillers are drawn from."""
_INVISIBLE = "\u200b\u2060\u00ad\ufeff\ue003\u200e\u202a\u0008\u2063"


def title_pieces(title: str, sizes: tuple[int, int], shuffle: float, rng: random.Random) -> list[str]:
    """Cut a title into pieces, its punctuation left out, some characters out of place."""
    letters = [c for c in title if c.isalnum()]
    for at in range(len(letters)):
        if rng.random() < shuffle:
            other = min(len(letters) - 1, at + rng.randint(1, 3))
            letters[at], letters[other] = letters[other], letters[at]
    pieces = []
    while letters:
        size = rng.randint(*sizes)
        pieces.append("".join(letters[:size]))
        letters = letters[size:]
    return [piece for piece in pieces if len(piece) >= sizes[0]]


def _place(text: str, at: int, at_joints: float, rng: random.Random) -> int:
    if rng.random() < at_joints and (joint := _JOINT.search(text, at, at + 30)):
        return joint.end()
    return at


def _free(text: str, at: int) -> bool:
    """Not at a line's beginning or end, where a splice would be a line of its own."""
    return 0 < at < len(text) and text[at - 1] != "\n" and text[at] != "\n"


def spoil(text: str, how: Spoiling, seed: int) -> Spoiled:
    """Return `text` with spam spliced in as `how` says."""
    rng = random.Random(seed)
    splices: list[tuple[int, str]] = []
    if how.title:
        pieces = title_pieces(how.title, how.piece, how.shuffle, rng)
        at, dealt = rng.randint(*how.gap), 0
        while pieces and at < len(text) * how.share:
            place = _place(text, at, how.at_joints, rng)
            if _free(text, place):
                splices.append((place, pieces[dealt % len(pieces)]))
                dealt += 1
            at = max(at, place) + rng.randint(*how.gap)
    if how.phrases:
        chosen = rng.sample(how.phrases, min(how.variety, len(how.phrases)))
        for _ in range(how.phrase_count):
            place = _place(text, rng.randrange(1, max(2, len(text))), how.at_joints / 4, rng)
            if _free(text, place):
                splices.append((place, rng.choice(chosen)))
    for _ in range(how.invisible):
        splices.append((rng.randrange(len(text)), rng.choice(_INVISIBLE)))
    places = [at for at, character in enumerate(text) if character in GLOSSES]
    for at in sorted(rng.sample(places, min(how.glosses, len(places)))):
        splices.append((at + 1, rng.choice(("({})", "（{}）")).format(GLOSSES[text[at]])))
    for _ in range(how.watermark_count):
        at = rng.randrange(1, max(2, len(text)))
        if _free(text, at):
            splices.append((at, disguised(how.watermark, rng)))
    if how.fillers:
        for mark in _CLAUSE.finditer(text):
            if rng.random() < how.fillers:
                splices.append((mark.end(), "".join(rng.choices(_ORDINARY, k=2))))
    return _spliced(text, sorted(splices, key=lambda splice: splice[0]))


_LIKE = {"a": "а", "c": "с", "e": "е", "o": "о", "p": "р", "x": "х", "y": "у", "i": "і", "w": "ѡ", "s": "ѕ", "h": "һ"}
"""Cyrillic letters that look like Latin ones."""


def disguised(address: str, rng: random.Random) -> str:
    """Return an address with its letters spaced, or with others that look alike in their place."""
    if rng.random() < 0.5:
        return rng.choice((" ", "-", "_", " ")).join(address)
    return "".join(_LIKE.get(letter, letter) for letter in address)


def _spliced(text: str, splices: Iterable[tuple[int, str]]) -> Spoiled:
    parts: list[str] = []
    spans: list[tuple[int, int]] = []
    used = size = 0
    for at, matter in splices:
        parts += (text[used:at], matter)
        size += at - used
        spans.append((size, size + len(matter)))
        size += len(matter)
        used = at
    parts.append(text[used:])
    return Spoiled("".join(parts), tuple(spans), text)
