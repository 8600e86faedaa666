/* What lines have in common with a body of text: the share of their pairs of characters that stand there too. */
#include "kernels.h"

enum { SPOT_BITS = 13 };

typedef struct {
    const uint32_t *text;
    int64_t at, end, before; /* the character before, or -1 */
} Walk;

/* The next pair of neighbours; false at the end. White space is passed over. As a call it takes half as long again. */
static inline __attribute__((always_inline)) bool next_pair(Walk *walk, uint64_t *pair) {
    while (walk->at < walk->end) {
        const uint32_t code = walk->text[walk->at++];
        if (is_space(code)) continue;
        const int64_t before = walk->before;
        walk->before = code;
        *pair = (uint64_t)before << 32 | code;
        if (before >= 0) return true;
    }
    return false;
}

static uint32_t spot(uint64_t pair) { return (uint32_t)(mixed(pair) >> (64 - SPOT_BITS)); }

static bool is_known(const Groups *groups, uint64_t key) {
    uint64_t at = mixed(key) & groups->mask;
    while (groups->numbers[at] >= 0 && groups->keys[at] != key) at = (at + 1) & groups->mask;
    return groups->numbers[at] >= 0;
}

/* `ends` has the end of each line, `shares` room for each. */
EXPORT int64_t tw_shares(const uint32_t *text, const int64_t *ends, int64_t n_lines, const uint32_t *body, int64_t size,
                         double *shares) {
    Groups of_body;
    uint8_t spots[1 << SPOT_BITS] = {0}; /* of the lines' pairs: few of the body's have to be kept */
    uint64_t pair;
    const bool room = make_groups(&of_body, size);
    for (int64_t line = 0; line < n_lines; line++)
        for (Walk walk = {text, line ? ends[line - 1] : 0, ends[line], -1}; next_pair(&walk, &pair);)
            spots[spot(pair)] = 1;
    for (Walk walk = {body, 0, room ? size : 0, -1}; next_pair(&walk, &pair);)
        if (spots[spot(pair)]) group_of(&of_body, pair);
    for (int64_t line = 0; room && line < n_lines; line++) {
        int64_t count = 0, shared = 0;
        for (Walk walk = {text, line ? ends[line - 1] : 0, ends[line], -1}; next_pair(&walk, &pair); count++)
            shared += is_known(&of_body, pair);
        shares[line] = count ? (double)shared / (double)count : 0;
    }
    free_groups(&of_body);
    return room ? n_lines : NO_MEMORY;
}
