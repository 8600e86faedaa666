/* Which words the hints of elements hold: an automaton over their bytes, as Aho and Corasick (1975) build it. */
#include "kernels.h"

typedef struct {
    const uint8_t *text; /* strings, each with a NUL */
    int64_t size;
    const uint8_t *classes; /* of each byte */
    const uint16_t *steps;  /* the next state, by state and class */
    const uint64_t *says;   /* what each state ends, as bits */
    int64_t n_classes, start;
    uint64_t *found; /* for each string */
} Words;

EXPORT int64_t tw_words(const Words *words) {
    int64_t count = 0, state = words->start;
    uint64_t found = 0;
    for (int64_t i = 0; i < words->size; i++) {
        state = words->steps[state * words->n_classes + words->classes[words->text[i]]];
        found |= words->says[state];
        if (!words->text[i]) {
            words->found[count++] = found;
            found = 0;
            state = words->start;
        }
    }
    return count;
}

/* For a test that ctypes has the same. */
EXPORT const int64_t tw_size_words = sizeof(Words);
