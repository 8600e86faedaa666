"""Bylines as pages print them: a line of roles and names, a signature in brackets, a dateline's reporter.

Precision comes first: every word of a byline must be a role, a name, a place or what the author did. A name that stands
without a label must begin with a surname. On 9,900 articles of news-pool one in 200 of what is read is no byline.
"""

from __future__ import annotations

import re

__all__ = [
    "LONGEST_BYLINE",
    "dateline",
    "is_byline",
    "is_label",
    "is_name",
    "may_have_byline",
    "names_paper",
    "person",
    "signature",
    "taken_from",
]

LONGEST_BYLINE = 60
"""Code points. The longest on 115 real pages has 32: five names, or a desk, a place and two offices."""

_SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪"
    "范金石廖贾夏韦付傅方白邹孟熊秦邱江尹薛闫阎段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤常温康施文牛樊葛邢安齐易乔伍庞"
    "颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲"
    "房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师仇栾隋商刁沙"
    "荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝丘区练赖洪巴尉湛皮湯敬谌胥谈蓬鹿蔺肇权占裘郁储郦郜来伊习赫杭冀桓羊冼蔚"
)
"""The first characters of the commonest surnames, folded: more than 95% of the people."""

_COMPOUND = re.compile("欧阳|司徒|上官|诸葛|司马|皇甫|夏侯|慕容|端木|令狐|东方|公孙|尉迟|长孙|宇文|轩辕")
_HAN = "[\u3400-\u9fff]"
_NAME = re.compile(
    rf"{_HAN}{{1,6}}[·•‧・]{_HAN}{{1,8}}(?:[·•‧・]{_HAN}{{1,8}})?|{_HAN}{{2,4}}|[A-Z][A-Za-z.'’-]*|{_HAN}{{2,3}}[和与及]{_HAN}{{2,3}}"
)
_PEN_NAME = re.compile(r"[\w·•.@'’–—-]{2,24}")
_GAP = re.compile(r"\s*[、,，/／∕&＆|｜\s]\s*")
_MARK = re.compile(r"(?:[(（][^)）]{2,8}[)）])?(?P<mark>\s*[:：﹕/／∕|｜丨]\s*|\s*)")
_TITLES = "记者|通讯员|特派员|撰稿人|评论员|主笔|实习生"
_REPORTER = re.compile(rf"{_TITLES}|特约(?:{_TITLES})|作者(?:(?<=专栏作者)|(?<=特约作者)|(?<=》作者))")
_OUTLET = re.compile(r"[\w《》「」“”·•・（）()/／:：|｜\s—-]{0,24}(?<![对向从在让被把的])")
"""What stands before a reporter's title: 本報, 駐外特派, a newspaper, one newspaper by another."""
_DEED = "(?:报道|报导|专电|外电|特译|编译|翻译|整合|综合|整理|专访|采访|采写|连线|图?文)"
_TAIL = (
    rf"(?:{_HAN}{{0,8}}?{_DEED}|发自{_HAN}{{2,6}}|{_HAN}{{0,8}}?(?:\d{{1,2}}月)?\d{{1,2}}日?[专综]?合?外?电?|{_HAN}{{2,4}}电|等\d*人?"
    r"|文.{0,8}(?:供图|摄影?|图)|[（(].*)"
)
_TAIL_WORD = re.compile(rf"{_TAIL}|图|摄影?|{_HAN}{{2,10}}")
_GLUED = re.compile(rf"(?P<name>{_HAN}{{2,4}}?){_TAIL}")
"""甲报道, 甲台北3日電, 甲发自北京."""
_CREW = re.compile("编辑|校对|责编|摄影|图片|审校|校审|审核|制图|视频|剪辑|美术")
"""Whoever comes after these is named on the line, but is no author."""
_LABELLED = re.compile(
    r"(?P<both>文[/／]图|图[/／]文)\s*(?![:：﹕/／∕|｜\s])|(?P<open>(?:本文|原文|文章|图文|报道|特约)?作者|撰文者?|撰稿(?:编辑|人)?|执笔人?|编译|译者)\s*[:：﹕]\s*"
    r"|(?:(?:本文|原文)?作者|撰文|撰稿|执笔人?|编译|译者|采写|采编|口述|文字|图?文[/／、及和]图?|图[/／、及和]文|图?文)\s*[:：﹕/／∕|｜丨·・•]\s*"
    r"|(?P<glued>(?:本文|原文)?作者|撰文|编译|图文)\s*|(?P<by>[Bb][Yy])\s*[:：]?\s+(?=[A-Z]|[\u3400-\u9fff]{2,3}$)"
)
"""作者：甲, 文／甲, 撰文｜甲 (office), 作者甲, By A."""
_PLACED = re.compile(
    rf"{_HAN}{{0,8}}(?:报导|报道|外电|专电|特译|编译|特稿|专访)(?:[／/]{_HAN}{{2,8}})?"
    rf"|{_HAN}{{2,5}}?(?:\d{{1,2}}月)?\d{{1,2}}日(?:[综专外]?电|讯)"
)
_DESK = re.compile(
    r"\S{0,6}?(?:记者|编译|译者|特派员)|\S{0,6}中心(?=$|\S{2,4}$)|\S{0,6}(?:新闻|编译|采访|国际|财经|体育)组$"
)
_DEEDED = re.compile(
    rf"\s?(?:编译|撰文|执笔|采写|撰稿)$|\s(?:{_HAN}{{2,6}})?(?:(?:报导|报道)(?:\s?[／/]\s?{_HAN}{{2,4}})?|专电)$|\s?[/／]\s?文(?:[/／]?图)?$"
    rf"|\s?[/／]\s?{_HAN}{{1,8}}(?:[日晚早商时]报|周刊|青年报|新闻网|电视台|通讯社|[报网])$|\s[A-Za-z]{{0,8}}{_HAN}{{0,6}}记者$"
)
"""甲编译, 甲 上海报道, 甲/文, 甲/中国青年报, 甲 某报记者."""
_DEED_ENDS = "译文笔写稿导道电图报刊网台社者"
"""The last characters of these."""
_PAPER = re.compile(rf"{_HAN}{{2,8}}(?:[报网社台刊]|电视|新闻)|{_HAN}{{0,6}}[A-Za-z]{{3,12}}")
"""The paper before its reporter's name: 某某網 甲 綜合報導."""
_SLASH = re.compile(r"[／/∕|｜]\s?")
_SENTENCE, _CLAUSE, _BRACKET = re.compile("[。！？!?；;]"), re.compile("[，。！？!?；;:：]"), re.compile("[（(]")
_LABEL = re.compile(
    r"[（(【\[]?(?:(?:本文|原文|文章)?作者|撰文者?|撰稿(?:编辑|人)?|采写|记者|通讯员|执笔人?|文|编译)\s*[:：﹕／/|｜]|[（(]?(?:撰文|采写)"
)
_MAY_BE = re.compile(
    r"记者|通讯员|特派|作者|撰|采写|采编|编译|译者|执笔|口述|文|评论员|主笔|报[导道]|外电|专电|B[Yy]\b|b[Yy]\b|实习生|/|／|∕"
)
"""Lines without any of these are not looked at closer. Each begins with a character, not with a class or a choice of
them: then `re` passes four times as fast over what begins with none of them."""
_NO_NAMES = re.compile(
    r"网络|整理|未知|佚名|不详|最新|文章|简介|介绍|更多|相关|专栏|报[道导]|报社|日报|晚报|晨报|商报|时报|网站|调查|民意|来稿|匿名|管理员"
    r"|admin|编辑|小编|本[站网报刊]|原创|新闻|官网|集团|公司|委员会|公众号|转载|来源|综合|投稿|供稿|平台|协会|联盟|大学|学院|研究|财经|资讯"
    r"|科技$|频道|电视|出版|部门|办公室|宣传|支部|党委|工会|[部局厅处署]$|手记|观察$|从|了解|获悉|在现场|探访|走访|专访|见面会|招待会|发布会|提问|问答|回答"
    r"|节$|站$|证$|团$|们|协$|俱乐部|注意到|发现|看到|来到|表示|说$|称$|[的了是与为]|责任|今[日天]|昨[日天]|独家|现场|直击|体验|帮|打卡|暗访|直播|视频"
    r"|分享|点击|登录|登入|注册|关注|订阅|首页|列表|全部|权限|声明|观点|无关|立场|主页|所有|其他|评论|热门|推荐|阅读|作品|团队|博客|同意|联系"
)
"""What stands where a name would and is none: nobody, a site, an office, the beginning of a sentence."""
_AGENCIES = re.compile(
    r"新华|中新|中央社|路透|美联|法新|彭博|共同社|韩联|塔斯|央视|人民网|视觉中国|东方IC|达志|图虫|资料|档案|图片|照片|供图|翻摄|截图|摄$|摄影"
    r"|影像|示意|[社网台报]$|完$|待续|连载|全文|单位|时间|下转|上接|见图|方言|高层|万元|日期|编者|本报|转自|成交|左[起上下]|右[起上下]"
)
_PLACES = re.compile(
    r"(?:安徽|江苏|江西|广[东西]|云南|贵州|海南|宁夏|甘肃|陕西|武汉|温州|常州|金华|成都|石家庄|郑州|徐州|苏州|杭州|柳州|兰州|沙特|秦皇岛|连云港"
    r"|大连|安庆|宁波|深圳|包头|温哥华|马来西亚|华盛顿|乔治亚|古巴|安阳|莫斯科|巴黎|柏林|伊朗|伊拉克|巴西|黎巴嫩|白宫|华南|华北|华东|华中|时政|时评|社评"
    r"|文化|体育|娱乐|国际|社会|财经|健康|教育|文学|艺术|金融|房产|汽车|军事|美食|旅游|时尚|法治|党建|公告|通知|简讯|快讯|成员|主任|部长|总统"
    r"|男|女|左|右|上|下|常识|方案|高级|明年|商业|应用|时代|全国|全球|全球化|全部|关键|解释|解析|解读|解答|谈话|明细|应届)$"
)
_WRITTEN, _TAKEN = re.compile("文|报[道导]"), re.compile("图[/／]|摄影?$|供图|翻摄")
_OPEN, _CLOSE = "（([【〔［", "）)]】〕］"
_HEAD_MARKS = re.compile(r"[\s（(\[【〔［■□●◆◇▲△※*★☆·•—|｜-]*")
_BRACKETED = rf"[{re.escape(_OPEN)}](?P<said>[^{re.escape(_OPEN + _CLOSE)}]{{2,40}})[{re.escape(_CLOSE)}]"
_LAST_BRACKET = re.compile(
    rf"(?:^|(?P<end>[。！？!?…”」』；]))\s*{_BRACKETED}\s*(?:[。.]|《[^》]{{1,12}}》\S{{0,8}}|\d{{7}})?$"
)
_LATE_BRACKET = re.compile(rf"{_BRACKETED}\s*[。.]?$")
_CLOSING = re.compile(f"[{re.escape(_CLOSE)}]")
_DATELINE = re.compile(_BRACKETED)
_REPORTING = re.compile("记者|通讯员|报[导道]")
_PLAIN_DATELINE = re.compile(
    rf"(?:{_HAN}{{2,6}}?[讯电]\s?)?(?P<said>(?:\w{{1,8}}?[报刊网社台])?(?:特约|特派|实习|见习|驻{_HAN}{{2,4}})?记者\s?"
    rf"(?P<names>{_HAN}{{2,4}}?(?:[、 ]{_HAN}{{2,4}}?){{0,4}})\s?(?:发自{_HAN}{{2,4}}|[／/]?{_HAN}{{0,4}}报[道导]))"
    r"(?=[\s:：,，。]|$)"
)
_AFTER_CAPTION = re.compile(
    rf"[）)]\s+(?P<said>记者{_HAN}{{2,4}}(?:、{_HAN}{{2,4}}){{0,2}}[／/]{_HAN}{{2,6}}报[道导])(?=\s)"
)
_LONG_PEN_NAME = 8
"""Code points of a pen name with 的 in it."""
_TAKEN_FROM = re.compile(
    r"(?:本文|文章)(?:来自|转自|转载自|首发于|原载于?)[^。]{0,60}?[，,；;\s]\s?"
    r"(?P<said>(?:作者|文|撰文)\s?[:：|｜]\s?[^\s，,。；;（(]{2,12})(?=[，,。；;（(]|$)"
)
"""本文来自微信公众号“乙”（ID：yi），作者：甲，某站经授权发布."""
_AT_THE_START = 48
"""Code points of a paragraph in which a dateline ends: 新華社耶路撒冷12月19日電（記者…）."""
_CAPTION = 150
"""The same where the caption of the page's picture stands before it: ▲甲。（圖／乙） 記者丙／台北報導."""
_AT_THE_END = 80


def is_name(text: str) -> bool:
    """Whether a folded word without a role beside it looks like a person's name."""
    if not 2 <= len(text) <= 4 or _NO_NAMES.search(text) or _AGENCIES.search(text) or _PLACES.match(text):
        return False
    if _COMPOUND.match(text):
        return len(text) > 2
    return len(text) < 4 and text[0] in _SURNAMES and all("\u3400" <= c <= "\u9fff" for c in text)


def person(text: str) -> bool:
    """Whether what the head calls the author is a person: a Chinese name, or two to four Latin words."""
    latin = re.fullmatch(r"[A-Z][a-z]+(?: [A-Z][A-Za-z.'’-]*){1,3}", text)
    return is_name(text) or (latin is not None and not re.search(r"News|Daily|Times|Post|Media|Net", text))


def is_label(text: str) -> bool:
    """Whether a folded line is a label whose name stands on the next line: 作者：."""
    return _LABEL.fullmatch(text.strip()) is not None


def _words(text: str) -> list[str]:
    """Return the words of a row of names; a name of two characters may be spread over two words: 王 芳."""
    words: list[str] = []
    for word in _GAP.split(text):
        if words and len(words[-1]) == 1 and (len(word) == 1 or (len(word) == 2 and words[-1] in _SURNAMES)):
            words[-1] += word
        elif word:
            words.append(word)
    return words


def _is_named(word: str, mark: str) -> bool:
    """Whether a word beside a role is a name: behind a colon any, behind a blank a short one needs a surname."""
    if not _NAME.fullmatch(word) or _NO_NAMES.search(word):
        return False
    return (
        bool(mark.strip())
        or (bool(mark) and len(word) > 3)
        or not "\u3400" <= word[0] <= "\u9fff"
        or word[0] in _SURNAMES
        or "·" in word
    )


def _is_glued(word: str, mark: str) -> bool:
    """Whether a word is a name and what its bearer did."""
    found = _GLUED.fullmatch(word)
    return found is not None and _is_named(found["name"], mark)


def _is_reported(body: str) -> bool:
    """Whether a line is nothing but reporters: 本報記者 甲 乙／台北報導, 光明日报记者 甲 通讯员 乙, 记者甲发自北京."""
    roles = list(_REPORTER.finditer(body)) if "，" not in body else []
    if not roles or not _OUTLET.fullmatch(body[: roles[0].start()]):
        return False
    ends = [*(role.start() for role in roles[1:]), len(body)]
    found = False
    for role, end in zip(roles, ends, strict=True):
        mark = _MARK.match(body, role.end(), end)
        words = _words(body[mark.end() if mark else role.end() : end])
        label = mark["mark"] if mark else ""
        for k, word in enumerate(words):
            if _CREW.match(word) and k:
                break
            named = _is_named(word, label if not k else " ") or _is_glued(word, label if not k else " ")
            if not named and (not k or not (_TAIL_WORD.fullmatch(word) or (end < len(body) and k == len(words) - 1))):
                return False
            found = found or named
    return found and (_WRITTEN.search(body) is not None or not _TAKEN.search(body))


def _is_labelled(body: str) -> bool:
    """Whether a line is a label and names: 作者：甲, 文／甲 乙, 撰文｜甲 (office)."""
    label = _LABELLED.match(body)
    if label is None or len(body) - label.end() > 44 or _SENTENCE.search(body):
        return False
    words = _words(body[label.end() :])
    if label["open"] and len(words) == 1 and 3 < len(words[0]) <= _LONG_PEN_NAME:  # 作者：海边的老王
        words[0] = words[0].replace("的", "")
    if not words or any(_NO_NAMES.search(word) and not (k and _CREW.match(word)) for k, word in enumerate(words[:2])):
        return False
    first = _BRACKET.split(words[0])[0]
    if label["glued"] or label["both"] or (label["by"] and first[0] >= "\u3400"):
        return all(_is_named(word, "") for word in words)
    return _NAME.fullmatch(first) is not None or (label["open"] is not None and _PEN_NAME.fullmatch(first) is not None)


def _is_placed(body: str) -> bool:
    """Whether a line is names or a desk, and a place: 甲／台北報導, 社會中心／綜合報導."""
    slash = _SLASH.search(body)
    if slash is None or not _PLACED.fullmatch(body, slash.end()) or _CLAUSE.search(body):
        return False
    words = _words(body[: slash.start()])
    desks = [_DESK.search(word) is not None for word in words]
    names = [_DESK.sub("", word) for word in words]
    return bool(words) and all(
        (desk and (not name or not _NO_NAMES.search(name))) or _is_named(name, "")
        for desk, name in zip(desks, names, strict=True)
    )


def _may_end_with_deed(body: str) -> bool:
    """Whether a line may end with what its people did; a place may stand behind a report."""
    return body[-1] in _DEED_ENDS or "报导" in body[-10:] or "报道" in body[-10:]


def _is_deeded(body: str) -> bool:
    """Whether a line is names and what they did, or for whom: 甲编译, 甲 乙/文, 甲/中国青年报."""
    deed = _DEEDED.search(body) if _may_end_with_deed(body) else None
    words = _words(body[: deed.start()]) if deed else []
    if len(words) > 1 and not is_name(words[0]) and _PAPER.fullmatch(words[0]):
        del words[0]
    return bool(words) and all(is_name(w) or (len(w) == 4 and _is_named(w, ":")) for w in words)


def may_have_byline(line: str) -> bool:
    """Whether a folded line has a word, or a mark, without which it holds no byline."""
    return _MAY_BE.search(line) is not None


def is_byline(line: str) -> bool:
    """Whether a folded line is a byline and says nothing else."""
    if not 2 <= len(line) <= LONGEST_BYLINE or not _MAY_BE.search(line):
        return False
    body = _bare(line)
    return len(body) > 1 and (_is_reported(body) or _is_labelled(body) or _is_placed(body) or _is_deeded(body))


def names_paper(line: str) -> bool:
    """Whether a byline begins with the paper's name: those who mark articles by hand count it to the text."""
    role = _REPORTER.search(line)
    before = _bare(line[: role.start()]) if role else ""
    return len(before) > 2 and not before.startswith("本")


def _bare(line: str) -> str:
    """Return a line without the marks round it, and with single blanks."""
    marks = _HEAD_MARKS.match(line)
    said = line[marks.end() if marks else 0 :].rstrip(" \u3000】〕］]｜|。*")
    if "（" not in said and "(" not in said:
        said = said.rstrip(" \u3000）)】〕］]")
    return " ".join(said.split())


def signature(paragraph: str) -> tuple[int, int] | None:
    """Return the span of the author in brackets at the end of a folded paragraph: （記者 甲）, (文/图 甲 乙), （甲）.

    A name without a role is one only behind the end of a sentence, or on a line of its own.
    """
    offset = max(0, len(paragraph) - _AT_THE_END)
    tail = paragraph[offset:].rstrip()
    if not _CLOSING.search(tail, max(0, len(tail) - 24)):
        return None
    found = _LAST_BRACKET.search(tail) or _LATE_BRACKET.search(tail)
    if found is None:
        return None
    said = found["said"]
    alone = found.re is _LAST_BRACKET and (found["end"] is not None or (offset == 0 and found.start() == 0))
    if is_byline(said) or (alone and all(map(is_name, _words(said.strip())))):
        return offset + found.start("said") - 1, offset + found.end("said") + 1
    return None


def taken_from(line: str) -> tuple[int, int] | None:
    """Return the span of the author in a folded line that says where the article ran before."""
    found = _TAKEN_FROM.search(line) if "作者" in line or "文" in line else None
    return found.span("said") if found and is_byline(found["said"]) else None


def dateline(paragraph: str) -> tuple[int, int] | None:
    """Return the span of the reporter at the beginning of a folded paragraph: 新華社巴黎12月9日電（記者甲）."""
    head = paragraph[:_AT_THE_START]
    for found in _DATELINE.finditer(head):
        said = found["said"]
        if _REPORTING.search(said) and is_byline(said):
            return found.span()
    plain = _PLAIN_DATELINE.match(head)
    if plain and all(_is_named(word, "") for word in _words(plain["names"])):
        return plain.span("said")
    caption = _AFTER_CAPTION.search(paragraph, 0, _CAPTION) if paragraph[:1] in "▲▼↑↓（(图" else None
    return caption.span("said") if caption else None
