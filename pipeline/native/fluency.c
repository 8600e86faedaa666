/* How a text reads: a glance by pairs of characters, and a reading by triples. See `pipeline.ingest.fluency`. */
#include "splices.h"

EXPORT void tw_read(const Language *language, const uint32_t *key, int64_t size, const Reading *reading) {
    int32_t *x = reading->symbols;
    x[0] = x[1] = x[size + 2] = x[size + 3] = (int32_t)language->break_symbol;
    for (int64_t i = 0; i < size; i++) x[i + 2] = symbol_of(language, key[i]);
    reading->row[0] = -1;
    reading->pair[0] = reading->log[0] = reading->log[1] = 0;
    for (int64_t i = 1; i < size + 4; i++) {
        if (i + AHEAD < size + 4) ask_for_row(language, x[i + AHEAD - 1], x[i + AHEAD]);
        reading->row[i] = row_of(language, x[i - 1], x[i]);
    }
    for (int64_t i = 0; i < size + 4; i++) {
        int64_t next = i + AHEAD;
        if (next < size + 4) {
            __builtin_prefetch(language->pairs + max64(reading->row[next], 0));
            ask_for_triple(language, x[next - 2], x[next - 1], x[next]);
        }
        reading->one[i] = language->one[x[i]];
        if (i > 0) reading->pair[i] = pair_of(language, x[i - 1], x[i], reading->row[i]);
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

static bool is_one_of(uint32_t c, const uint32_t *marks) {
    if (c >= 0x3400 && c <= 0x9fff) return false; /* as nearly all are */
    while (*marks && *marks != c) marks++;
    return *marks != 0;
}

/* How many clauses gain more than `least` steps without their two last characters. Looks at some `most` of the marks that
 * end one, all over the text, from `first` on; `marks` end with 0. */
EXPORT int64_t tw_strange_ends(const Language *language, const uint32_t *key, int64_t size, const uint32_t *marks,
                               int64_t first, int64_t most, int64_t least) {
    int64_t ends = 0, strange = 0, number = 0;
    for (int64_t i = first; i < size; i++) ends += is_one_of(key[i], marks);
    int64_t step = max64(ends / most, 1);
    for (int64_t i = first; i < size; i++) {
        if (!is_one_of(key[i], marks) || number++ % step) continue;
        int64_t before = symbol_of(language, key[i - 3]), a = symbol_of(language, key[i - 2]);
        int64_t b = symbol_of(language, key[i - 1]), mark = symbol_of(language, key[i]);
        const uint8_t *steps = language->pair_steps;
        int64_t with = steps[before * language->size + a] + steps[a * language->size + b] + steps[b * language->size + mark];
        strange += with - steps[before * language->size + mark] > least;
    }
    return strange;
}

/* The signs of all characters of the spans together: `table` has those of each code point. A run is of characters of a span
 * that are letters, dots or spacers. One with `least` disguised ones, or `least` single ones before a gap, may be an
 * address. */
EXPORT int64_t tw_signs(const uint32_t *text, const int64_t (*spans)[2], int64_t count, const uint8_t *table, int64_t least) {
    enum { LATIN = 4, DOT = 8, DISGUISED = 16, SPACER = 32, RUN = LATIN | DOT | SPACER, ADDRESS = 256 };
    int64_t all = 0;
    for (int64_t span = 0; span < count; span++) {
        int64_t disguised = 0, gaps = 0;
        uint8_t last = 0, before = 0; /* signs of the two before */
        for (int64_t i = spans[span][0]; i < spans[span][1]; i++) {
            uint8_t own = table[text[i]];
            all |= own;
            if (!(own & RUN)) {
                disguised = gaps = last = before = 0;
                continue;
            }
            disguised += (own & DISGUISED) > 0;
            gaps += last & (LATIN | DOT) && own & SPACER && !(before & LATIN);
            if (disguised >= least || gaps >= least) all |= ADDRESS;
            before = last, last = own;
        }
    }
    return all;
}

/* Parts of a page's key and of its text, one behind the other; a part from -1 is a line break. */
EXPORT int64_t tw_join(const uint32_t *key, const uint32_t *page, const int64_t (*parts)[2], int64_t count, uint32_t *key_out,
                       uint32_t *page_out) {
    int64_t size = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t start = parts[i][0], length = parts[i][1] - start;
        if (start < 0) {
            key_out[size] = page_out[size] = '\n';
            length = 1;
        } else {
            memcpy(key_out + size, key + start, (size_t)length * sizeof *key);
            memcpy(page_out + size, page + start, (size_t)length * sizeof *page);
        }
        size += length;
    }
    return size;
}

/* Where spans of a page, sorted, stand in the text that its parts are joined to. `out` gets those that begin and end in one;
 * returns how many. */
EXPORT int64_t tw_place(const int64_t (*parts)[2], int64_t count, const int64_t (*spans)[2], int64_t n_spans, int64_t (*out)[2]) {
    int64_t part = 0, before = 0, placed = 0; /* characters before the part */
    for (int64_t i = 0; i < n_spans; i++) {
        int64_t start = spans[i][0], last = spans[i][1] - 1;
        while (part < count && (parts[part][0] < 0 || parts[part][1] <= start)) before += parts[part][1] - parts[part][0], part++;
        if (part == count) break;
        if (parts[part][0] > start) continue;
        int64_t end = part, size = before;
        while (end < count && (parts[end][0] < 0 || parts[end][1] <= last)) size += parts[end][1] - parts[end][0], end++;
        if (end == count || parts[end][0] > last) continue;
        out[placed][0] = before + start - parts[part][0];
        out[placed++][1] = size + last - parts[end][0] + 1;
    }
    return placed;
}

/* For a test that ctypes has the same. */
EXPORT const int64_t tw_size_language = sizeof(Language);
EXPORT const int64_t tw_size_text = sizeof(Text);
EXPORT const int64_t tw_size_shape = sizeof(Shape);
EXPORT const int64_t tw_size_reading = sizeof(Reading);
