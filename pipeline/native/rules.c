/* Which noise rules a line may match, by its characters alone: most lines need no regular expression. */
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
    const int32_t *rows;     /* where the needs begin that each row serves, and where the last ones end */
    const int32_t *needs;    /* alternative of a rule that needs the string << 8 | number of the set it is in */
    const uint16_t *within;  /* of the line before the string, at most, for each need; 65,535: any */
    const Alternative *alternatives;
    const int32_t *longest;  /* of lines for each rule */
    uint64_t free;           /* rules that need nothing, as bits */
    int64_t n_alternatives, n_rules, most; /* lines longer than `most` match nothing */
    uint64_t *left;          /* rules that each line may match, as bits */
} Rules;

typedef struct {
    int32_t line, seen; /* sets that the line has a string of */
} Told;

static uint32_t hashed(uint32_t first, uint32_t second) {
    return (first * 0x9e3779b1u ^ second * 0x85ebca6bu) >> 14;
}

static void serve(const Rules *rules, uint16_t row, int64_t before, int64_t line, int64_t size, Told *told, uint64_t *left) {
    for (int32_t at = rules->rows[row]; at < rules->rows[row + 1]; at++) {
        if (before > rules->within[at] && rules->within[at] != UINT16_MAX) continue;
        int32_t number = rules->needs[at] >> 8;
        const Alternative *alternative = rules->alternatives + number;
        if (size < alternative->least || size > alternative->most) continue;
        if (told[number].line != (int32_t)line) told[number] = (Told){(int32_t)line, 0};
        told[number].seen |= 1 << (rules->needs[at] & 7);
        if (told[number].seen == alternative->whole) *left |= (uint64_t)1 << alternative->rule;
    }
}

EXPORT int64_t tw_possible(const Rules *rules) {
    Told *told = malloc(((size_t)rules->n_alternatives + 1) * sizeof *told);
    if (!told) return NO_MEMORY;
    for (int64_t i = 0; i < rules->n_alternatives; i++) told[i].line = -1;
    for (int64_t i = 0; i < rules->n_lines; i++) {
        uint64_t *left = rules->left + i;
        const uint32_t *line = rules->key + rules->edges[2 * i];
        int64_t size = rules->edges[2 * i + 1] - rules->edges[2 * i];
        if (size > rules->most) {
            *left = 0;
            continue;
        }
        *left = rules->free;
        for (int64_t at = 0; at < size; at++) {
            uint16_t known = rules->single[line[at]], row = known & (BEGINS_PAIR - 1);
            if (row) serve(rules, row, at, i, size, told, left);
            if (known & BEGINS_PAIR && at + 1 < size && (row = rules->pair[hashed(line[at], line[at + 1])]))
                serve(rules, row, at, i, size, told, left);
        }
        for (int64_t rule = 0; rule < rules->n_rules; rule++)
            if (size > rules->longest[rule]) *left &= ~((uint64_t)1 << rule);
    }
    free(told);
    return 0;
}

/* For a test that ctypes has the same. */
EXPORT const int64_t tw_size_rules = sizeof(Rules);
EXPORT const int64_t tw_size_alternative = sizeof(Alternative);
