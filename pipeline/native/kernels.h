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
    return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* An element that shows text. */
typedef struct {
    int32_t parent, begin, end, mark; /* number of its parent, or -1; blocks inside; what a site file says of it, or -1 */
    int32_t make, hidden, style_size; /* its name and hints; whether it has the attribute "hidden"; bytes of its style */
    int32_t unused;
    int64_t style;                    /* byte of the page where that begins */
} Element;

#endif
