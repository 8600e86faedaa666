/* How a text reads: a glance by pairs of characters, and a reading by triples. See `pipeline.ingest.fluency`. */
#include "splices.h"

/* The spans of 2 to 22 characters that sit badly by their pairs alone. For each place where a character does not go with
 * the one before it, ends are sought that a span from there could have: where the text before goes on better than the
 * span does. `spans` has room for 21 * size, `symbols` for size + 3 (a break before and two behind), `alone` and `pair`
 * for size: nats of each character by itself and after the one before. Returns how many spans. */
EXPORT int64_t tw_glance(const Language *language, const uint32_t *key, int64_t size, int64_t loose, int64_t bad,
                         Spans *spans, int32_t *symbols, float *alone, float *pair) {
    enum { SHORTEST = 2, LONGEST = 22, MOST_WEAK = 60, MOST_GAIN = 120 };
    int32_t *weak = malloc(((size_t)size + 1) * 2 * sizeof *weak), *steps = weak + size + 1;
    if (!weak) return NO_MEMORY;
    int64_t count = 0;
    symbols[0] = symbols[size + 1] = symbols[size + 2] = (int32_t)language->break_symbol;
    for (int64_t i = 0; i < size; i++) symbols[i + 1] = symbol_of(language, key[i]);
    for (int64_t i = 0; i <= size; i++) {
        int32_t own = language->one_steps[symbols[i + 1]];
        steps[i] = language->pair_steps[symbols[i] * language->size + symbols[i + 1]];
        weak[i] = steps[i] - own < MOST_WEAK ? steps[i] - own : MOST_WEAK;
        if (i < size) {
            alone[i] = (float)-own * STEP;
            pair[i] = (float)-steps[i] * STEP;
        }
    }
    for (int64_t start = 0; start < size; start++) {
        if (weak[start] <= loose) continue;
        const uint8_t *after = language->pair_steps + symbols[start] * language->size;
        for (int64_t end = start + SHORTEST; end <= start + LONGEST && end < size; end++) {
            if (weak[end] <= loose) continue;
            int32_t gain = steps[end] - after[symbols[end + 1]];
            gain = (gain < MOST_GAIN ? gain : MOST_GAIN) + weak[start];
            if (gain <= bad) continue;
            spans->start[count] = (int32_t)start, spans->end[count] = (int32_t)end;
            spans->gain[count++] = (float)gain * STEP;
        }
    }
    free(weak);
    return count;
}

EXPORT void tw_read(const Language *language, const uint32_t *key, int64_t size, const Reading *reading) {
    int32_t *x = reading->symbols;
    x[0] = x[1] = x[size + 2] = x[size + 3] = (int32_t)language->break_symbol;
    for (int64_t i = 0; i < size; i++) x[i + 2] = symbol_of(language, key[i]);
    reading->row[0] = -1;
    reading->pair[0] = reading->log[0] = reading->log[1] = 0;
    for (int64_t i = 0; i < size + 4; i++) {
        reading->one[i] = language->one[x[i]];
        if (i > 0) reading->pair[i] = pair_of(language, x[i - 1], x[i], reading->row + i);
        if (i > 1) reading->log[i] = triple_of(language, x[i - 2], x[i - 1], x[i], reading->row[i - 1], reading->pair[i]);
    }
}

/* How badly spans sit at both ends. */
EXPORT void tw_seams(const Language *language, const Reading *reading, int64_t count, const int64_t *starts,
                     const int64_t *ends, float *left, float *right) {
    for (int64_t i = 0; i < count; i++) {
        left[i] = left_of(reading, starts[i], ends[i]);
        right[i] = right_of(language, reading, starts[i], ends[i]);
    }
}

/* The signs of all characters of a text together: `table` has those of each code point. */
EXPORT int64_t tw_signs(const uint32_t *text, int64_t size, const uint8_t *table) {
    uint8_t all = 0;
    for (int64_t i = 0; i < size; i++) all |= table[text[i]];
    return all;
}

/* How many characters of the spans, taken as one text, have a sign of `hidden`; and, in `gaps`, how many have one of
 * `single`, with one of `spacer` behind them and none of `letter` before. */
EXPORT int64_t tw_disguised(const uint32_t *text, const int64_t (*spans)[2], int64_t count, const uint8_t *table,
                            uint8_t hidden, uint8_t single, uint8_t spacer, uint8_t letter, int64_t *gaps) {
    int64_t found = 0;
    uint8_t last = 0, before = 0; /* signs of the two before */
    *gaps = 0;
    for (int64_t span = 0; span < count; span++)
        for (int64_t i = spans[span][0]; i < spans[span][1]; i++) {
            uint8_t own = table[text[i]];
            found += (own & hidden) > 0;
            *gaps += last & single && own & spacer && !(before & letter);
            before = last, last = own;
        }
    return found;
}

/* For a test that ctypes has the same. */
EXPORT const int64_t tw_size_language = sizeof(Language);
EXPORT const int64_t tw_size_text = sizeof(Text);
EXPORT const int64_t tw_size_shape = sizeof(Shape);
EXPORT const int64_t tw_size_reading = sizeof(Reading);
EXPORT const int64_t tw_size_spans = sizeof(Spans);
