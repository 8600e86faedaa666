/* Which noise rules match the lines of a page. Tables of single characters and pairs pass over nearly all alternatives of
   the rules; what is left is matched by the programs that `pipeline/ingest/expressions.py` writes. */
#include "kernels.h"

/* Of a code point: some pair that an alternative needs begins with it. The table of pairs is large, and asked less so. */
enum { BEGINS_PAIR = 1 << 15 };

typedef struct {
    int32_t rule, whole, least, most; /* all its sets, as bits; the shortest and the longest line */
} Alternative;

typedef struct {
    const uint32_t *key; /* the folded page text */
    int64_t n_lines;
    const int64_t *edges;    /* start and end of each line */
    const uint16_t *single;  /* row of each code point, 0 for those that nothing needs; BEGINS_PAIR */
    const uint16_t *pair;    /* the same for each hash of two: pairs of one hash share a row */
    const uint8_t *is_pair;  /* a bit for each hash: whether it has a row. Most have none, and these bits stay in the cache */
    const int32_t *rows;     /* where the needs begin that each row serves, and where the last ones end */
    const int32_t *needs;    /* alternative that needs the string << 8 | number of the set it is in */
    const uint16_t *within;  /* of the line before the string, at most, for each need; 65,535: any */
    const Alternative *alternatives;
    const int32_t *code, *starts; /* programs; where that of each alternative begins */
    const uint16_t *symbols;      /* of each code point */
    const uint8_t *sets;          /* symbols of each class, as bits */
    int64_t set_size;             /* bytes of a class */
    int64_t n_alternatives, n_free, most; /* the first need nothing; lines longer than `most` match nothing */
    uint64_t *found;              /* rules that match each line, as bits */
} Rules;

typedef struct {
    int32_t line, seen; /* sets that the line has a string of */
} Told;

enum { MATCH, ONE, SET, REPEAT, SPLIT, SWITCH, JUMP, BEGIN, END, EDGE, LOOK, FAIL }; /* OPERATIONS in expressions.py */

/* Another way to go on: at `pc` from `at`; or from any place down to `until`; or, if it is greater, up to there. */
typedef struct {
    int32_t pc, at, until;
} Way;

typedef struct {
    const Rules *rules;
    const uint16_t *line; /* symbols */
    int32_t size;
    Way *ways;
    int64_t n_ways, room;
    int failed; /* no memory */
} Matcher;

static void later(Matcher *matcher, int32_t pc, int32_t at, int32_t until) {
    if (matcher->n_ways == matcher->room) {
        int64_t room = matcher->room ? 2 * matcher->room : 256;
        Way *grown = realloc(matcher->ways, (size_t)room * sizeof *grown);
        if (!grown) {
            matcher->failed = 1;
            return;
        }
        matcher->ways = grown, matcher->room = room;
    }
    matcher->ways[matcher->n_ways++] = (Way){pc, at, until};
}

static int is_in(const Matcher *matcher, int32_t set, int32_t at) {
    uint16_t symbol = matcher->line[at];
    return matcher->rules->sets[set * matcher->rules->set_size + (symbol >> 3)] >> (symbol & 7) & 1;
}

/* Where a switch goes on behind the symbol at `at`, or -1. Its cases are symbols and places, sorted. */
static int32_t case_of(const Matcher *matcher, const int32_t *code, int32_t at) {
    if (at >= matcher->size) return -1;
    int32_t symbol = matcher->line[at], low = 0, high = code[1];
    const int32_t *cases = code + 3;
    while (low < high) {
        int32_t middle = (low + high) / 2;
        if (cases[2 * middle] < symbol) low = middle + 1;
        else high = middle;
    }
    return low < code[1] && cases[2 * low] == symbol ? cases[2 * low + 1] : -1;
}

/* Whether the program at `pc` cannot go on at `at`, as its first operation tells. */
static int is_hopeless(const Matcher *matcher, int32_t pc, int32_t at) {
    const int32_t *code = matcher->rules->code + pc;
    if (code[0] == ONE) return at >= matcher->size || matcher->line[at] != code[1];
    if (code[0] == SET) return at >= matcher->size || !is_in(matcher, code[1], at);
    if (code[0] == SWITCH) return matcher->rules->code[code[2]] == FAIL && case_of(matcher, code, at) < 0;
    return code[0] == FAIL || (code[0] == END && at < matcher->size);
}

static int matches(Matcher *matcher, int32_t pc, int32_t at) {
    int64_t base = matcher->n_ways;
    int32_t size = matcher->size;
    for (;;) {
        const int32_t *code = matcher->rules->code + pc;
        int goes_on = 0;
        switch (code[0]) {
        case MATCH:
            matcher->n_ways = base;
            return 1;
        case ONE:
            if ((goes_on = at < size && matcher->line[at] == code[1])) at++, pc += 2;
            break;
        case SET:
            if ((goes_on = at < size && is_in(matcher, code[1], at))) at++, pc += 2;
            break;
        case REPEAT: { /* set, least, most, lazy */
            int32_t most = code[3] < size - at ? code[3] : size - at, count = 0;
            int32_t wanted = code[4] && code[2] < most ? code[2] : most;
            while (count < wanted && is_in(matcher, code[1], at + count)) count++;
            if (!(goes_on = count >= code[2])) break;
            if (code[4] && count < most) later(matcher, pc, at + count, at + most);
            if (!code[4] && count > code[2]) later(matcher, pc + 5, at + count - 1, at + code[2]);
            at += count, pc += 5;
            break;
        }
        case SPLIT:
            goes_on = 1;
            if (is_hopeless(matcher, code[1], at)) {
                pc = code[2];
            } else {
                if (!is_hopeless(matcher, code[2], at)) later(matcher, code[2], at, at);
                pc = code[1];
            }
            break;
        case SWITCH: {
            int32_t there = case_of(matcher, code, at);
            goes_on = 1;
            if (there < 0) {
                pc = code[2];
            } else {
                if (!is_hopeless(matcher, code[2], at)) later(matcher, code[2], at, at);
                pc = there, at++;
            }
            break;
        }
        case JUMP: goes_on = 1, pc = code[1]; break;
        case BEGIN:
            if ((goes_on = at == 0)) pc++;
            break;
        case END:
            if ((goes_on = at == size)) pc++;
            break;
        case EDGE: { /* set of what words are made of */
            int before = at > 0 && is_in(matcher, code[1], at - 1), after = at < size && is_in(matcher, code[1], at);
            if ((goes_on = before != after)) pc += 2;
            break;
        }
        case LOOK: /* whether there must be nothing, code points behind, where the program goes on */
            if ((goes_on = (at >= code[2] && matches(matcher, pc + 4, at - code[2])) != code[1])) pc = code[3];
            break;
        case FAIL: break;
        }
        while (!goes_on) {
            if (matcher->n_ways == base || matcher->failed) {
                matcher->n_ways = base;
                return 0;
            }
            Way *way = matcher->ways + matcher->n_ways - 1;
            pc = way->pc, at = way->at;
            if (way->until > at) { /* a lazy repeat takes one more */
                const int32_t *repeat = matcher->rules->code + pc;
                if (!is_in(matcher, repeat[1], at)) {
                    matcher->n_ways--;
                    continue;
                }
                pc += 5, at++;
                if (at == way->until) matcher->n_ways--;
                else way->at = at;
            } else { /* a greedy one takes one less, or the other side of a split */
                if (at == way->until) matcher->n_ways--;
                else way->at--;
            }
            goes_on = !is_hopeless(matcher, pc, at);
        }
    }
}

typedef struct {
    const Rules *rules;
    Told *told;
    uint16_t *symbols; /* of the line */
    int has_symbols;
    int64_t line;
    Matcher matcher;
} Sieve;

/* Match an alternative, unless its rule is found already. */
static void try_it(Sieve *sieve, int32_t number) {
    const Rules *rules = sieve->rules;
    uint64_t bit = (uint64_t)1 << rules->alternatives[number].rule;
    if (rules->found[sieve->line] & bit) return;
    Matcher *matcher = &sieve->matcher;
    if (!sieve->has_symbols) {
        const uint32_t *line = rules->key + rules->edges[2 * sieve->line];
        for (int32_t at = 0; at < matcher->size; at++) sieve->symbols[at] = rules->symbols[line[at]];
        sieve->has_symbols = 1;
    }
    int32_t start = rules->starts[number], last = rules->code[start] == BEGIN ? 0 : matcher->size;
    for (int32_t at = 0; at <= last; at++) {
        if (is_hopeless(matcher, start, at) || !matches(matcher, start, at)) continue;
        rules->found[sieve->line] |= bit;
        return;
    }
}

static void serve(Sieve *sieve, uint16_t row, int64_t before) {
    const Rules *rules = sieve->rules;
    for (int32_t at = rules->rows[row]; at < rules->rows[row + 1]; at++) {
        if (before > rules->within[at] && rules->within[at] != UINT16_MAX) continue;
        int32_t number = rules->needs[at] >> 8, size = sieve->matcher.size;
        const Alternative *alternative = rules->alternatives + number;
        if (size < alternative->least || size > alternative->most) continue;
        Told *told = sieve->told + number;
        if (told->line != (int32_t)sieve->line) *told = (Told){(int32_t)sieve->line, 0};
        if (told->seen == alternative->whole) continue;
        told->seen |= 1 << (rules->needs[at] & 7);
        if (told->seen == alternative->whole) try_it(sieve, number);
    }
}

static uint32_t hashed(uint32_t first, uint32_t second) {
    return (first * 0x9e3779b1u ^ second * 0x85ebca6bu) >> 14;
}

EXPORT int64_t tw_rules(const Rules *rules) {
    Sieve sieve = {.rules = rules, .matcher = {.rules = rules}};
    sieve.told = malloc(((size_t)rules->n_alternatives + 1) * sizeof(Told));
    sieve.symbols = malloc(((size_t)rules->most + 1) * sizeof(uint16_t));
    sieve.matcher.line = sieve.symbols;
    sieve.matcher.failed = !sieve.told || !sieve.symbols;
    for (int64_t i = 0; sieve.told && i < rules->n_alternatives; i++) sieve.told[i].line = -1;
    for (int64_t i = 0; i < rules->n_lines && !sieve.matcher.failed; i++) {
        rules->found[i] = 0;
        const uint32_t *line = rules->key + rules->edges[2 * i];
        int64_t size = rules->edges[2 * i + 1] - rules->edges[2 * i];
        if (size > rules->most) continue;
        sieve.line = i, sieve.has_symbols = 0, sieve.matcher.size = (int32_t)size;
        for (int32_t free = 0; free < rules->n_free; free++) {
            const Alternative *alternative = rules->alternatives + free;
            if (size >= alternative->least && size <= alternative->most) try_it(&sieve, free);
        }
        for (int64_t at = 0; at < size; at++) {
            uint16_t known = rules->single[line[at]], row = known & (BEGINS_PAIR - 1);
            if (row) serve(&sieve, row, at);
            if (known & BEGINS_PAIR && at + 1 < size) {
                uint32_t hash = hashed(line[at], line[at + 1]);
                if (rules->is_pair[hash >> 3] >> (hash & 7) & 1) serve(&sieve, rules->pair[hash], at);
            }
        }
    }
    free(sieve.told), free(sieve.symbols), free(sieve.matcher.ways);
    return sieve.matcher.failed ? NO_MEMORY : 0;
}

/* For a test that ctypes has the same. */
EXPORT const int64_t tw_size_rules = sizeof(Rules);
EXPORT const int64_t tw_size_alternative = sizeof(Alternative);
