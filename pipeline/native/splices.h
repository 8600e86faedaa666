/* What the kernels over texts share: the model of the language, a text that it has read, numbers for strings. */
#ifndef TAOWEN_SPLICES_H
#define TAOWEN_SPLICES_H

#include "kernels.h"

static const float STEP = 1.0f / 16; /* nats per step of a stored logarithm */
enum { KEY_BITS = 13 };              /* of a symbol in the key of an n-gram */
enum { AHEAD = 24 };                 /* characters whose place in a table of many MB is asked for beforehand */
enum { WORD = 1, LETTER = 2, DIGIT = 4, ALPHANUMERIC = 8 }; /* kinds of character: inside a phrase; ... */

/* Of the character at a place of `text`. */
#define KIND(i) text->kinds[text->key[i]]
#define TYPE(i) (KIND(i) & LETTER ? 1 : KIND(i) & DIGIT ? 2 : 0)
#define IS_HAN(i) (KIND(i) & ALPHANUMERIC && !(KIND(i) & (LETTER | DIGIT)))

/* 64 bits of a bit map, and how many are before them. */
typedef struct {
    uint64_t word;
    int32_t before, unused;
} Bits;

/* The model of the language. */
typedef struct {
    const uint16_t *symbols;    /* of each code point of the basic plane; 0: unknown */
    const uint8_t *pair_steps;  /* cost of each symbol after each, shape (size, size) */
    const int16_t *one_steps;   /* and by itself */
    const float *one, *one_back; /* logarithms by itself, and of backing off from it */
    const float (*pairs)[2];     /* the same of each pair that is stored */
    const Bits *pair_rows;       /* the pairs that are stored, as a bit map by their keys */
    const uint64_t *triples;     /* an open-addressed table: keys, and in the lowest byte the cost; all ones is empty */
    const int32_t *themed; /* row in `themes` of each pair, or -1 */
    const float *themes;   /* shape (n_themes, n_directions) */
    int64_t size, triple_shift, triple_mask, break_symbol, n_directions;
} Language;

/* A text: its code points folded and as they are, and tables over all code points. */
typedef struct {
    const uint32_t *key, *page;
    int64_t size;
    const uint8_t *kinds; /* of characters, as bits */
    const int8_t *scripts; /* 1: only Traditional, -1: only Simplified */
    int64_t mixed;        /* whether it may have characters of both */
} Text;

/* How characters follow each other in search phrases, against the news, in nats. */
typedef struct {
    const float *first;  /* gain of each symbol as the first */
    const int8_t *pairs; /* steps of each symbol after each, shape (size, size) */
    int64_t size;
} Shape;

/* What `tw_read` finds: each of size + 4, with two breaks before the text and two behind. */
typedef struct {
    int32_t *symbols, *row; /* row of the pair that ends here, or -1 */
    float *pair, *one, *log;
} Reading;

static inline float smaller(float a, float b) { return a < b ? a : b; }
static inline float larger(float a, float b) { return a > b ? a : b; }
static inline float within(float value, float low, float high) { return larger(low, smaller(value, high)); }

static inline int32_t symbol_of(const Language *language, uint32_t c) { return language->symbols[c < 0xffff ? c : 0xffff]; }

static inline uint64_t pair_key(int32_t first, int32_t second) { return (uint64_t)first << KEY_BITS | (uint64_t)second; }

/* Row of a pair, -1 where it is not stored. */
static inline int32_t row_of(const Language *language, int32_t first, int32_t second) {
    uint64_t key = pair_key(first, second), bit = (uint64_t)1 << (key & 63);
    Bits bits = language->pair_rows[key >> 6];
    return bits.word & bit ? bits.before + __builtin_popcountll(bits.word & (bit - 1)) : -1;
}

static inline float pair_of(const Language *language, int32_t first, int32_t second, int32_t row) {
    return row < 0 ? language->one_back[first] + language->one[second] : language->pairs[row][0];
}

static inline uint64_t triple_at(const Language *language, uint64_t key) {
    return (key * 0x9e3779b97f4a7c15u) >> language->triple_shift;
}

/* Log probability of `third` after two, whose pair has `row`; `lower` is that of the second pair. */
static inline float triple_of(const Language *language, int32_t first, int32_t second, int32_t third, int32_t row, float lower) {
    if (row < 0) return lower;
    uint64_t key = pair_key(first, second) << KEY_BITS | (uint64_t)third, entry;
    for (uint64_t at = triple_at(language, key); (entry = language->triples[at]) != ~(uint64_t)0;
         at = (at + 1) & (uint64_t)language->triple_mask)
        if (entry >> 8 == key) return -((float)(entry & 255) * STEP);
    return language->pairs[row][1] + lower;
}

/* Ask for what `row_of` and `triple_of` will look up: the tables do not fit into a cache. */
static inline void ask_for_row(const Language *language, int32_t first, int32_t second) {
    __builtin_prefetch(language->pair_rows + (pair_key(first, second) >> 6));
}

static inline void ask_for_triple(const Language *language, int32_t first, int32_t second, int32_t third) {
    __builtin_prefetch(language->triples + triple_at(language, pair_key(first, second) << KEY_BITS | (uint64_t)third));
}

static inline float left_of(const Reading *reading, int64_t start, int64_t end) {
    int64_t a = start + 2;
    float second = end - start > 1 ? reading->log[a + 1] - reading->pair[a + 1] : 0;
    return reading->one[a] - reading->log[a] - second;
}

static inline float right_of(const Language *language, const Reading *reading, int64_t start, int64_t end) {
    const int32_t *x = reading->symbols;
    int64_t a = start + 2, b = end + 2;
    int32_t row = row_of(language, x[a - 1], x[b]);
    float join = pair_of(language, x[a - 1], x[b], row);
    float told = triple_of(language, x[a - 2], x[a - 1], x[b], reading->row[a - 1], join);
    told += triple_of(language, x[a - 1], x[b], x[b + 1], row, reading->pair[b + 1]);
    return told - reading->log[b] - reading->log[b + 1];
}

static inline void ask_for_right(const Language *language, const Reading *reading, int64_t start, int64_t end) {
    const int32_t *x = reading->symbols + start, *y = reading->symbols + end + 2; /* x: two before it; y: two behind */
    ask_for_row(language, x[1], y[0]);
    ask_for_triple(language, x[0], x[1], y[0]);
    ask_for_triple(language, x[1], y[0], y[1]);
}

/* What the seams are at best, of a span that starts at, or ends before, a place. */
static inline float best_left(const Reading *reading, int64_t at) {
    return reading->one[at + 2] - reading->log[at + 2] - reading->log[at + 3] + reading->pair[at + 3];
}

static inline float best_right(const Reading *reading, int64_t at) { return -reading->log[at + 2] - reading->log[at + 3]; }

/* Numbers for strings: the same for the same string. A polynomial in 2^64 from running sums. */
typedef struct {
    uint64_t *sums, *powers; /* running sums; powers of the inverse */
} Prints;

static const uint64_t BASE = 0x9e3779b97f4a7c15u, INVERSE = 0xf1de83e19937733du;

static inline bool make_prints(Prints *prints, const uint32_t *codes, int64_t size) {
    prints->sums = malloc(((size_t)size + 1) * 2 * sizeof *prints->sums);
    prints->powers = prints->sums + size + 1;
    if (!prints->sums) return false;
    uint64_t power = BASE, inverse = INVERSE;
    prints->sums[0] = 0;
    for (int64_t i = 0; i < size; i++) {
        prints->sums[i + 1] = prints->sums[i] + codes[i] * power;
        prints->powers[i] = inverse;
        power *= BASE, inverse *= INVERSE;
    }
    prints->powers[size] = inverse;
    return true;
}

static inline uint64_t print_of(const Prints *prints, int64_t start, int64_t end) {
    return (prints->sums[end] - prints->sums[start]) * prints->powers[start];
}

typedef struct {
    uint64_t key;
    int64_t row;
} Keyed;

static inline int by_key(const void *a, const void *b) {
    const Keyed *x = a, *y = b;
    return x->key != y->key ? (x->key < y->key ? -1 : 1) : (x->row > y->row) - (x->row < y->row);
}

/* Names for strings of the text, numbers in the order they come. Returns how many there are. */
static inline int64_t name_spans(const Prints *prints, const int32_t *starts, const int32_t *ends, int64_t count, int32_t *names) {
    Groups groups;
    bool made = make_groups(&groups, count);
    for (int64_t i = 0; made && i < count; i++) names[i] = group_of(&groups, print_of(prints, starts[i], ends[i]));
    free_groups(&groups);
    return made ? groups.count : NO_MEMORY;
}

/* How often the text has each pair of characters, by a hash: never too low. Room for size - 1. */
static inline int64_t count_pairs(const uint32_t *codes, int64_t size, int32_t *times) {
    int bits = 0;
    for (int64_t rest = 8 * size; rest; rest >>= 1) bits++;
    bits = bits < 12 ? 12 : bits > 20 ? 20 : bits;
    int32_t *counts = calloc((size_t)1 << bits, sizeof *counts);
    if (!counts) return NO_MEMORY;
    for (int64_t i = 0; i + 1 < size; i++)
        counts[(codes[i] * 0x9e3779b1u ^ codes[i + 1] * 0x85ebca6bu) >> (32 - bits)]++;
    for (int64_t i = 0; i + 1 < size; i++)
        times[i] = counts[(codes[i] * 0x9e3779b1u ^ codes[i + 1] * 0x85ebca6bu) >> (32 - bits)];
    free(counts);
    return 0;
}

/* The value that `rank` others are smaller than. The values are put in another order for it. */
static inline float nth(float *values, int64_t count, int64_t rank) {
    int64_t low = 0, high = count - 1;
    while (low < high) {
        float pivot = values[low + (high - low) / 2];
        int64_t i = low, k = high;
        while (i <= k) {
            while (values[i] < pivot) i++;
            while (values[k] > pivot) k--;
            if (i <= k) {
                float other = values[i];
                values[i++] = values[k];
                values[k--] = other;
            }
        }
        if (rank <= k) high = k;
        else if (rank >= i) low = i;
        else break;
    }
    return values[rank];
}

static inline float median(float *values, int64_t count) {
    float upper = nth(values, count, count / 2);
    return count % 2 ? upper : (nth(values, count, count / 2 - 1) + upper) / 2;
}

/* How many characters of a span are of the other script than its neighbourhood, at most 4. A part of a longer passage in
 * the other script, such as a quotation, gets none: the characters next to the span that belong to one script only must
 * be of the neighbourhood's. */
static inline int64_t foreign_in(const Text *text, int64_t start, int64_t end) {
    enum { NEAR = 60, MOST = 4 };
    int64_t hant_in = 0, hans_in = 0, hant = 0, hans = 0, last = 0, next = 0;
    if (!text->mixed) return 0;
    for (int64_t i = start; i < end; i++) {
        int8_t script = text->scripts[text->page[i]];
        hant_in += script > 0, hans_in += script < 0;
    }
    if (!hant_in == !hans_in) return 0;
    for (int64_t i = max64(0, start - NEAR); i < min64(text->size, end + NEAR); i++) {
        if (i == start) i = end;
        if (i >= text->size) break;
        int8_t script = text->scripts[text->page[i]];
        hant += script > 0, hans += script < 0;
    }
    if (!(hans_in ? hant > 2 * hans + 3 : hans > 2 * hant + 3)) return 0;
    for (int64_t i = start - 1; i >= 0 && !last; i--) last = text->scripts[text->page[i]];
    for (int64_t i = end; i < text->size && !next; i++) next = text->scripts[text->page[i]];
    if (hans_in ? last < 0 || next < 0 : last > 0 || next > 0) return 0;
    return min64(hant_in + hans_in, MOST);
}

static inline float shape_of(const Shape *shape, const int32_t *symbols, int64_t at) {
    return (float)shape->pairs[symbols[at] * shape->size + symbols[at + 1]] * STEP;
}

static const float NO_PHRASE = -3; /* nats where there is no character */

#endif
