/* What lines have in common with a body of text: the share of their pairs of characters that stand there too. */
#include "kernels.h"

typedef struct {
    Groups groups;
    int64_t before; /* the character before, or -1 */
} Pairs;

/* The number of the pair that a character ends, or -1 for white space, which says nothing, and for the first one. */
static int32_t pair_of(Pairs *pairs, uint32_t code) {
    if (is_space(code)) return -1;
    const int64_t before = pairs->before;
    pairs->before = code;
    return before < 0 ? -1 : group_of(&pairs->groups, (uint64_t)before << 32 | code);
}

/* `ends` has the end of each line, `shares` room for each. */
EXPORT int64_t tw_shares(const uint32_t *text, const int64_t *ends, int64_t n_lines, const uint32_t *body, int64_t size,
                         double *shares) {
    Pairs pairs = {.before = -1};
    if (!make_groups(&pairs.groups, size + (n_lines ? ends[n_lines - 1] : 0))) {
        free_groups(&pairs.groups);
        return NO_MEMORY;
    }
    for (int64_t at = 0; at < size; at++) pair_of(&pairs, body[at]);
    const int32_t in_body = pairs.groups.count;
    for (int64_t line = 0, at = 0; line < n_lines; line++) {
        int64_t count = 0, shared = 0;
        for (pairs.before = -1; at < ends[line]; at++) {
            const int32_t pair = pair_of(&pairs, text[at]);
            count += pair >= 0;
            shared += pair >= 0 && pair < in_body;
        }
        shares[line] = count ? (double)shared / (double)count : 0;
    }
    free_groups(&pairs.groups);
    return n_lines;
}
