/* What Python cannot do fast enough for 10^9 pages: loops over the characters, lines and elements of one page.
 *
 * Plain C11 without Python's headers: one library for every Python, called through ctypes (`__init__.py`). No function
 * keeps anything between calls. All arrays are the caller's, with the sizes that the comments name; offsets are code
 * points unless they are called bytes. Structs are told to ctypes field by field: keep both in step.
 */
#ifndef TAOWEN_KERNELS_H
#define TAOWEN_KERNELS_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* Errors, all below zero. */
enum { NO_MEMORY = -1, TOO_MANY = -2 };

static inline int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }

/* What str.isspace() calls white space. */
static inline bool is_space(uint32_t c) {
    if (c > 0x3000 || (c > ' ' && c < 0x85)) return false;
    return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* The mean log odds of networks for each row of features: `judge.c`. */
typedef struct Networks Networks;
int64_t tw_judge(const Networks *networks, const float *features, int64_t n_rows, double *odds);

/* An element that shows text. */
typedef struct {
    int32_t parent, begin, end, mark; /* number of its parent, or -1; blocks inside; what a site file says of it, or -1 */
    int32_t make, hidden, style_size; /* its name and hints; whether it has the attribute "hidden"; bytes of its style */
    int32_t unused;
    int64_t style;                    /* byte of the page where that begins */
} Element;

/* Numbers for keys, in the order they come: a hash table that grows with the page. */
typedef struct {
    uint64_t *keys;
    int32_t *numbers;
    uint64_t mask;
    int32_t count;
} Groups;

static inline bool make_groups(Groups *groups, int64_t most) {
    uint64_t size = 16;
    while ((int64_t)size < 2 * most) size *= 2;
    groups->mask = size - 1;
    groups->count = 0;
    groups->keys = malloc(size * sizeof *groups->keys);
    groups->numbers = malloc(size * sizeof *groups->numbers);
    if (!groups->keys || !groups->numbers) return false;
    memset(groups->numbers, 0xff, size * sizeof *groups->numbers);
    return true;
}

static inline void free_groups(Groups *groups) {
    free(groups->keys);
    free(groups->numbers);
}

static inline uint64_t mixed(uint64_t key) {
    key = (key ^ key >> 31) * 0x9e3779b97f4a7c15u;
    return key ^ key >> 32;
}

static inline int32_t group_of(Groups *groups, uint64_t key) {
    uint64_t at = mixed(key) & groups->mask;
    while (groups->numbers[at] >= 0 && groups->keys[at] != key) at = (at + 1) & groups->mask;
    if (groups->numbers[at] < 0) {
        groups->keys[at] = key;
        groups->numbers[at] = groups->count++;
    }
    return groups->numbers[at];
}

#endif
