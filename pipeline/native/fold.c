/* Characters to the characters of their key, and where a phrase may say otherwise. */
#include "kernels.h"

enum { HOT = 1 << 21, NEAR = 1 << 22, POINT = HOT - 1, BLOCK = 1024 };

typedef struct {
    const uint32_t *points; /* what each code point becomes; HOT: it tells of a phrase; NEAR: it may be in one */
    int64_t n_points;       /* those from here on stay as they are */
    const uint8_t *pairs;   /* for each `spot` whether its two characters may be in a phrase */
} Folding;

/* A number of 16 bits for two characters. */
static inline uint32_t spot(uint32_t first, uint32_t second) {
    return (first * 0x9e3779b1u ^ second * 0x85ebca6bu) >> 16;
}

EXPORT int64_t tw_spots(const uint32_t *firsts, const uint32_t *seconds, int64_t size, uint8_t *pairs) {
    for (int64_t at = 0; at < size; at++) pairs[spot(firsts[at], seconds[at])] = 1;
    return size;
}

/* Lower case and half width. */
static inline uint32_t lowered(uint32_t code) {
    if (code - 0xff01 < 0x5e) code -= 0xfee0; /* full width to ASCII */
    if (code == 0x3000) code = ' ';
    return code - 'A' < 26 ? code + ('a' - 'A') : code;
}

/* The same in 16 bits: every ideograph beyond U+FFFF is U+FFFF, and what else is there is nothing (0). */
static inline uint16_t key_of(uint32_t code) {
    return (uint16_t)(code < 0xffff ? lowered(code) : code - 0x20000 < 0x20000 ? 0xffff : 0);
}

static inline uint32_t point_of(const Folding *folding, uint32_t code) {
    return code < (uint64_t)folding->n_points ? folding->points[code] : code;
}

static bool meets(const Folding *folding, const uint32_t *codes, int64_t size, int64_t at) {
    return (at && folding->pairs[spot(codes[at - 1], codes[at])]) ||
           (at + 1 < size && folding->pairs[spot(codes[at], codes[at + 1])]);
}

/* Fold characters by themselves. `stretches` gets start and end of those that a phrase may be in: round each hot place
   as far as characters of phrases go, from the end of the last one on. Return how many there are now. */
static inline int64_t fold(const Folding *folding, const uint32_t *codes, int64_t size, int64_t from, int64_t to,
                           uint32_t *folded, int64_t (*stretches)[2], int64_t count) {
    for (int64_t at = from; at < to; at++) {
        const uint32_t point = point_of(folding, codes[at]);
        *folded++ = point & POINT;
        if (!(point & HOT)) continue;
        const int64_t done = count ? stretches[count - 1][1] : 0;
        if (at < done || !meets(folding, codes, size, at)) continue;
        int64_t start = at, end = at + 1;
        while (start > done && point_of(folding, codes[start - 1]) & NEAR) start--;
        while (end < size && point_of(folding, codes[end]) & NEAR) end++;
        stretches[count][0] = start;
        stretches[count++][1] = end;
    }
    return count;
}

/* One row more of `stretches` tells whether a character changes by itself. */
EXPORT int64_t tw_fold(const Folding *folding, const uint32_t *codes, int64_t size, uint32_t *folded,
                       int64_t (*stretches)[2]) {
    const int64_t count = fold(folding, codes, size, 0, size, folded, stretches, 0);
    stretches[size][0] = memcmp(codes, folded, (size_t)size * sizeof *codes) != 0;
    return count;
}

/* The same, as keys; of what changes nothing is told. */
EXPORT int64_t tw_fold_keys(const Folding *folding, const uint32_t *codes, int64_t size, uint16_t *keys,
                            int64_t (*stretches)[2]) {
    uint32_t folded[BLOCK];
    int64_t count = 0;
    for (int64_t from = 0; from < size; from += BLOCK) {
        const int64_t part = min64(BLOCK, size - from);
        count = fold(folding, codes, size, from, from + part, folded, stretches, count);
        for (int64_t at = 0; at < part; at++) keys[from + at] = key_of(folded[at]);
    }
    return count;
}

EXPORT int64_t tw_lower(const uint32_t *codes, int64_t size, uint32_t *into) {
    for (int64_t at = 0; at < size; at++) into[at] = lowered(codes[at]);
    return size;
}

EXPORT int64_t tw_keys(const uint32_t *codes, int64_t size, uint16_t *keys) {
    for (int64_t at = 0; at < size; at++) keys[at] = key_of(codes[at]);
    return size;
}

EXPORT const int64_t tw_size_folding = sizeof(Folding);
