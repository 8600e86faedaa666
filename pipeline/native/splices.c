/* How a text reads, and what looks spliced into it: what `pipeline.ingest.fluency`, `evidence` and `pieces` ask. */
#include "kernels.h"

static const float STEP = 1.0f / 16; /* nats per step of a stored logarithm */
enum { KEY_BITS = 13 };              /* of a symbol in the key of an n-gram */
enum { WORD = 1, LETTER = 2, DIGIT = 4, ALPHANUMERIC = 8 }; /* kinds of character: inside a phrase; ... */

/* The model of the language. */
typedef struct {
    const int32_t *symbols;     /* of each code point of the basic plane; 0: unknown */
    const uint8_t *pair_steps;  /* cost of each symbol after each, shape (size, size) */
    const int16_t *one_steps;   /* and by itself */
    const float *one, *one_back, *two, *two_back, *three; /* logarithms of what is stored, and of backing off */
    const uint64_t *pair_words; /* the pairs that are stored, as a bit map by their keys */
    const int32_t *pair_before; /* and how many are before each of its words */
    const uint64_t *triple_keys; /* an open-addressed table; keys of all ones are empty */
    const int32_t *triple_rows;
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

typedef struct {
    int32_t *start, *end;
    float *gain;
} Spans;

static inline float smaller(float a, float b) { return a < b ? a : b; }
static inline float larger(float a, float b) { return a > b ? a : b; }
static inline float within(float value, float low, float high) { return larger(low, smaller(value, high)); }

static int32_t symbol_of(const Language *language, uint32_t c) { return language->symbols[c < 0xffff ? c : 0xffff]; }

static float pair_of(const Language *language, int32_t first, int32_t second, int32_t *row) {
    uint64_t key = (uint64_t)first << KEY_BITS | (uint64_t)second, bit = (uint64_t)1 << (key & 63);
    uint64_t word = language->pair_words[key >> 6];
    if (!(word & bit)) {
        *row = -1;
        return language->one_back[first] + language->one[second];
    }
    *row = language->pair_before[key >> 6] + __builtin_popcountll(word & (bit - 1));
    return language->two[*row];
}

/* Log probability of `third` after two, whose pair has `row`; `lower` is that of the second pair. */
static float triple_of(const Language *language, int32_t first, int32_t second, int32_t third, int32_t row, float lower) {
    if (row < 0) return lower;
    uint64_t key = ((uint64_t)first << KEY_BITS | (uint64_t)second) << KEY_BITS | (uint64_t)third;
    uint64_t at = (key * 0x9e3779b97f4a7c15u) >> language->triple_shift;
    for (; language->triple_keys[at] != ~(uint64_t)0; at = (at + 1) & (uint64_t)language->triple_mask)
        if (language->triple_keys[at] == key) return language->three[language->triple_rows[at]];
    return language->two_back[row] + lower;
}

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

static float left_of(const Reading *reading, int64_t start, int64_t end) {
    int64_t a = start + 2;
    float second = end - start > 1 ? reading->log[a + 1] - reading->pair[a + 1] : 0;
    return reading->one[a] - reading->log[a] - second;
}

static float right_of(const Language *language, const Reading *reading, int64_t start, int64_t end) {
    const int32_t *x = reading->symbols;
    int64_t a = start + 2, b = end + 2;
    int32_t row;
    float join = pair_of(language, x[a - 1], x[b], &row);
    float told = triple_of(language, x[a - 2], x[a - 1], x[b], reading->row[a - 1], join);
    told += triple_of(language, x[a - 1], x[b], x[b + 1], row, reading->pair[b + 1]);
    return told - reading->log[b] - reading->log[b + 1];
}

/* How badly spans sit at both ends. */
EXPORT void tw_seams(const Language *language, const Reading *reading, int64_t count, const int64_t *starts,
                     const int64_t *ends, float *left, float *right) {
    for (int64_t i = 0; i < count; i++) {
        left[i] = left_of(reading, starts[i], ends[i]);
        right[i] = right_of(language, reading, starts[i], ends[i]);
    }
}

/* What the seams are at best, of a span that starts at, or ends before, a place. */
static float best_left(const Reading *reading, int64_t at) {
    return reading->one[at + 2] - reading->log[at + 2] - reading->log[at + 3] + reading->pair[at + 3];
}

static float best_right(const Reading *reading, int64_t at) { return -reading->log[at + 2] - reading->log[at + 3]; }

/* Numbers for strings: the same for the same string. A polynomial in 2^64 from running sums. */
typedef struct {
    uint64_t *sums, *powers; /* running sums; powers of the inverse */
} Prints;

static const uint64_t BASE = 0x9e3779b97f4a7c15u, INVERSE = 0xf1de83e19937733du;

static bool make_prints(Prints *prints, const uint32_t *codes, int64_t size) {
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

static uint64_t print_of(const Prints *prints, int64_t start, int64_t end) {
    return (prints->sums[end] - prints->sums[start]) * prints->powers[start];
}

typedef struct {
    uint64_t key;
    int64_t row;
} Keyed;

static int by_key(const void *a, const void *b) {
    const Keyed *x = a, *y = b;
    return x->key != y->key ? (x->key < y->key ? -1 : 1) : (x->row > y->row) - (x->row < y->row);
}

/* Names for strings of the text, numbers in the order they come. Returns how many there are. */
static int64_t name_spans(const Prints *prints, const int32_t *starts, const int32_t *ends, int64_t count, int32_t *names) {
    Groups groups;
    bool made = make_groups(&groups, count);
    for (int64_t i = 0; made && i < count; i++) names[i] = group_of(&groups, print_of(prints, starts[i], ends[i]));
    free_groups(&groups);
    return made ? groups.count : NO_MEMORY;
}

/* How often the text has each pair of characters, by a hash: never too low. Room for size - 1. */
static int64_t count_pairs(const uint32_t *codes, int64_t size, int32_t *times) {
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
static float nth(float *values, int64_t count, int64_t rank) {
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

static float median(float *values, int64_t count) {
    float upper = nth(values, count, count / 2);
    return count % 2 ? upper : (nth(values, count, count / 2 - 1) + upper) / 2;
}

/* How many characters of a span are of the other script than its neighbourhood, at most 4. A part of a longer passage in
 * the other script, such as a quotation, gets none: the characters next to the span that belong to one script only must
 * be of the neighbourhood's. */
static int64_t foreign_in(const Text *text, int64_t start, int64_t end) {
    enum { NEAR = 60, MOST = 4 };
    int64_t hant_in = 0, hans_in = 0, hant = 0, hans = 0, last = 0, next = 0;
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

static bool has_both_scripts(const Text *text) {
    bool hant = false, hans = false;
    for (int64_t i = 0; i < text->size && !(hant && hans); i++) {
        int8_t script = text->scripts[text->page[i]];
        hant |= script > 0, hans |= script < 0;
    }
    return hant && hans;
}

static float shape_of(const Shape *shape, const int32_t *symbols, int64_t at) {
    return (float)shape->pairs[symbols[at] * shape->size + symbols[at + 1]] * STEP;
}

static const float NO_PHRASE = -3; /* nats where there is no character */

/* What spans of a glance have of phrases, in the order of `evidence.SUSPICIONS`. `spans` are those of the glance; kept
 * are those that gain most and may be phrases, which come first in it then. `out` has room for all. */
EXPORT int64_t tw_suspect_phrases(const Text *text, const Shape *shape, Spans *spans, int64_t count,
                                  const int32_t *symbols, const float *alone, const float *pair, int64_t shortest,
                                  int64_t most, int64_t usual, float *out) {
    enum { COLUMNS = 22 };
    int64_t n = text->size, kept = 0;
    size_t room = (size_t)max64(count, n) + 1;
    float *values = malloc(room * sizeof *values), *shaped = malloc(room * sizeof *shaped);
    int32_t *times = malloc(room * sizeof *times), *names = malloc(room * sizeof *names);
    int32_t *copies = calloc(room, sizeof *copies), *barrier = malloc(room * sizeof *barrier);
    Prints prints = {0};
    if (!values || !shaped || !times || !names || !copies || !barrier) goto failed;
    memcpy(values, spans->gain, (size_t)count * sizeof *values);
    float least = count > most ? nth(values, count, count - most) : -1e9f;
    barrier[0] = 0;
    for (int64_t i = 0; i < n; i++) barrier[i + 1] = barrier[i] + !(text->kinds[text->key[i]] & WORD);
    for (int64_t i = 0; i < count; i++) {
        int32_t start = spans->start[i], end = spans->end[i];
        if (spans->gain[i] < least || end - start < shortest || end >= n || barrier[end] != barrier[start]) continue;
        spans->start[kept] = start, spans->end[kept] = end;
        spans->gain[kept++] = smaller(spans->gain[i], 15);
    }
    if (!kept) goto done;
    if (!make_prints(&prints, text->key, n) || count_pairs(text->key, n, times)) goto failed;
    if (name_spans(&prints, spans->start, spans->end, kept, names) < 0) goto failed;
    double cost = 0;
    for (int64_t i = 0; i < n; i++) cost -= pair[i];
    for (int64_t i = 0; i < kept; i++) copies[names[i]]++, values[i] = spans->gain[i];
    float best = nth(values, kept, kept - min64(kept, usual));
    bool mixed = has_both_scripts(text);
    for (int64_t i = 0; i < kept; i++) {
        int64_t start = spans->start[i], end = spans->end[i], length = end - start;
        double shape_in = 0, good = 0, link = 0, seen = 0;
        bool latin = false;
        for (int64_t at = start; at < end; at++) {
            latin |= (text->kinds[text->key[at]] & (LETTER | DIGIT)) > 0;
            if (at == start) continue;
            float gain = shape_of(shape, symbols, at);
            shape_in += gain;
            good += larger(gain, 0);
            link += pair[at] - alone[at];
            seen += times[at - 1] > 1;
        }
        int64_t foreign = mixed ? foreign_in(text, start, end) : 0;
        shaped[i] = (float)((shape_in + shape->first[symbols[start + 1]]) / (double)length);
        const float row[COLUMNS] = {
            spans->gain[i],
            (float)min64(length, 12),
            shaped[i],
            (float)foreign,
            foreign > 1,
            latin,
            (float)min64(copies[names[i]] - 1, 3),
            pair[start] - alone[start],
            pair[end] - alone[end],
            (float)(link / (double)(length - 1)),
            (float)(seen / (double)(length - 1)),
            start == 0 || !(text->kinds[text->key[start - 1]] & WORD),
            !(text->kinds[text->key[end]] & WORD),
            shape->first[symbols[start + 1]],
            shape_of(shape, symbols, end),
            start > 0 ? shape->first[symbols[start]] : NO_PHRASE,
            (float)(good / (double)length),
            spans->gain[i] - best,
            0,
            (float)((double)kept / (double)max64(300, n)),
            (float)(cost / (double)n),
            (float)log((double)n),
        };
        memcpy(out + i * COLUMNS, row, sizeof row);
    }
    memcpy(values, shaped, (size_t)kept * sizeof *values);
    float middle = median(values, kept);
    for (int64_t i = 0; i < kept; i++) out[i * COLUMNS + 18] = shaped[i] - middle;
    goto done;
failed:
    kept = NO_MEMORY;
done:
    free(values), free(shaped), free(times), free(names), free(copies), free(barrier), free(prints.sums);
    return kept;
}

/* A string that a glance sees more than once, by its symbols. */
typedef struct {
    uint64_t mark;
    double sum;
    int64_t count;
} String;

enum { STRINGS = 6 }; /* with the most evidence that a glance looks at */

/* The strings with the most evidence, of those that are there `least` times. */
static int64_t find_best(const String *all, int64_t count, int64_t least, String *best) {
    int64_t found = 0;
    for (int64_t i = 0; i < count; i++) {
        if (all[i].count < least || all[i].sum <= 0) continue;
        int64_t at = found < STRINGS ? found++ : STRINGS;
        while (at > 0 && (best[at - 1].sum < all[i].sum || (best[at - 1].sum == all[i].sum && best[at - 1].mark > all[i].mark))) {
            if (at < STRINGS) best[at] = best[at - 1];
            at--;
        }
        if (at < STRINGS) best[at] = all[i];
    }
    return found;
}

typedef struct {
    int32_t start, end, rank, behind;
} Place;

static int by_start(const void *a, const void *b) {
    const Place *x = a, *y = b;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    return x->end != y->end ? (x->end > y->end ? -1 : 1) : 0;
}

/* How often what follows one of the strings is its usual follower, or itself, and how varied what is behind them. */
static int64_t find_order(Place *places, int64_t count, int64_t strings, float *out) {
    int64_t steps[STRINGS][STRINGS] = {{0}}, times[STRINGS] = {0}, usual = 0, own = 0, length = 0, last = -1;
    int32_t *way = malloc(((size_t)count + 1) * sizeof *way);
    Keyed *keyed = malloc(((size_t)count + 1) * sizeof *keyed);
    if (!way || !keyed) {
        free(way), free(keyed);
        return NO_MEMORY;
    }
    qsort(places, (size_t)count, sizeof *places, by_start);
    for (int64_t i = 0; i < count; i++) { /* of places that overlap, that of the first string counts */
        times[places[i].rank]++;
        if (places[i].start >= last) way[length++] = places[i].rank;
        else if (places[i].rank < way[length - 1]) way[length - 1] = places[i].rank;
        else continue;
        last = places[i].end;
    }
    for (int64_t i = 0; i + 1 < length; i++) steps[way[i]][way[i + 1]]++;
    for (int64_t a = 0; a < strings; a++) {
        int64_t most = 0;
        for (int64_t b = 0; b < strings; b++) most = max64(most, steps[a][b]);
        usual += most;
        own += steps[a][a];
    }
    double varied = 0;
    for (int64_t a = 0; a < strings; a++) {
        int64_t found = 0, different = 0;
        for (int64_t i = 0; i < count; i++)
            if (places[i].rank == a) keyed[found++] = (Keyed){(uint64_t)places[i].behind, i};
        qsort(keyed, (size_t)found, sizeof *keyed, by_key);
        for (int64_t i = 0; i < found; i++) different += !i || keyed[i].key != keyed[i - 1].key;
        varied += (double)different / (double)times[a];
    }
    out[0] = (float)((double)usual / (double)max64(1, length - 1));
    out[1] = (float)((double)own / (double)max64(1, length - 1));
    out[2] = (float)(varied / (double)strings);
    free(way), free(keyed);
    return 0;
}

/* What a glance sees of pieces, in the order of `pieces.SUSPICIONS`. */
EXPORT int64_t tw_suspect_pieces(const Text *text, const Spans *spans, int64_t count, const int32_t *symbols,
                                 const float *pair, int64_t longest, double badly, float *out) {
    enum { COLUMNS = 14 };
    int64_t n = text->size, kept = 0, names = 0, error = NO_MEMORY, bad = 0, placed = 0;
    size_t room = (size_t)max64(count, n) + 1;
    int32_t *barrier = malloc(room * sizeof *barrier), *name = malloc(room * sizeof *name), *at = malloc(room * sizeof *at);
    String *all = calloc(room, sizeof *all), best[STRINGS];
    Place *places = malloc(room * sizeof *places);
    Groups groups;
    if (!make_groups(&groups, count) || !barrier || !name || !at || !all || !places) goto done;
    memset(out, 0, COLUMNS * sizeof *out);
    double cost = 0;
    for (int64_t i = 0; i < n; i++) cost -= pair[i];
    out[0] = (float)log((double)n + 1);
    out[1] = n ? (float)(cost / (double)n) : 0;
    barrier[0] = 0;
    for (int64_t i = 0; i < n; i++) barrier[i + 1] = barrier[i] + !(text->kinds[text->key[i]] & ALPHANUMERIC);
    for (int64_t i = 0; i < count; i++) {
        int64_t start = spans->start[i], end = spans->end[i];
        if (end - start > longest || barrier[end] != barrier[start]) continue;
        uint64_t mark = (uint64_t)symbols[start + 1] * 1000003 + (uint64_t)symbols[start + 2] * 8191 +
                        (uint64_t)symbols[end] * 131 + (uint64_t)(end - start);
        String *string = all + (name[kept] = group_of(&groups, mark));
        string->mark = mark;
        string->sum += spans->gain[i];
        string->count++;
        at[kept++] = (int32_t)i;
        bad += spans->gain[i] > badly;
    }
    error = 0;
    if (!kept) goto done;
    names = groups.count;
    int64_t column = 2, strings = 0;
    for (int least = 2; least <= 3; least++) {
        static const int64_t MOST[] = {1, 3, STRINGS};
        double sum = 0, strong = 0;
        strings = find_best(all, names, least, best);
        for (int64_t k = 0, i = 0; k < 3; k++) {
            for (; i < min64(MOST[k], strings); i++) sum += best[i].sum;
            out[column++] = (float)log1p(sum);
        }
        for (int64_t i = 0; i < names; i++) strong += all[i].count >= least && all[i].sum > badly * least;
        out[column++] = (float)log1p(strong);
    }
    out[column++] = (float)log1p(1000 * (double)bad / (double)max64(300, n));
    strings = find_best(all, names, 2, best);
    for (int64_t i = 0; i < kept; i++)
        for (int32_t rank = 0; rank < strings; rank++)
            if (best[rank].mark == all[name[i]].mark)
                places[placed++] = (Place){spans->start[at[i]], spans->end[at[i]], rank, symbols[spans->end[at[i]] + 1]};
    if (strings) error = find_order(places, placed, strings, out + column);
done:
    free(barrier), free(name), free(at), free(all), free(places), free_groups(&groups);
    return error;
}

/* What is worth a candidate's full look: see `evidence`. */
typedef struct {
    float left, right, both;        /* least nats at its left seam, of the characters behind it, at both seams */
    float hope[5];                  /* weights of both seams, shape and length, and their least sum */
    int64_t shortest, longest, most; /* characters; candidates for each character */
} Bounds;

typedef struct {
    int32_t *start, *end, *foreign;
    float *left, *right, *shaped;
    uint8_t *own; /* whether it is an element of its own */
} Candidates;

/* The spans that may be phrases and have hope, first those that sit badly, by their places, then the `n_elements` spans
 * that are elements (sorted). Room for the sizes times `size`, and the elements. `page` gets the middle of both seams and
 * of the shape of all. */
EXPORT int64_t tw_candidates(const Language *language, const Shape *shape, const Text *text, const Reading *reading,
                             const Bounds *bounds, const int64_t *elements, int64_t n_elements, Candidates *found,
                             float *page) {
    int64_t n = text->size, count = 0, fit = 0, kept = 0;
    const int32_t *x = reading->symbols + 1; /* the one before the text, and its own */
    size_t room = (size_t)(n * (bounds->longest - bounds->shortest + 1) + n_elements) + 1;
    float *seams = malloc(room * sizeof *seams), *shapes = malloc(room * sizeof *shapes);
    if (!seams || !shapes) {
        kept = NO_MEMORY;
        goto done;
    }
    /* A name like tv5 is one: nothing begins or ends between a letter and a digit. */
#define KIND(i) text->kinds[text->key[i]]
#define SPLIT(i) ((i) > 0 && (i) < n && KIND((i) - 1) & LETTER && KIND(i) & DIGIT)
    for (int64_t start = 0; start < n; start++) {
        if (!(KIND(start) & WORD) || best_left(reading, start) <= bounds->left || SPLIT(start)) continue;
        for (int64_t end = start + 1; end < n && end - start <= bounds->longest; end++) {
            if (!(KIND(end - 1) & WORD)) break;
            if (end - start < bounds->shortest || best_right(reading, end) <= bounds->right || SPLIT(end)) continue;
            float left = left_of(reading, start, end), right = right_of(language, reading, start, end);
            seams[fit++] = left + right;
            if (left + right <= bounds->both) continue;
            found->start[count] = (int32_t)start, found->end[count] = (int32_t)end;
            found->left[count] = left, found->right[count++] = right;
        }
    }
    int64_t most = bounds->most * n;
    if (count > most) {
        float least = nth(seams, fit, fit - most);
        int64_t all = count;
        count = 0;
        for (int64_t i = 0; i < all; i++) {
            if (found->left[i] + found->right[i] < least) continue;
            found->start[count] = found->start[i], found->end[count] = found->end[i];
            found->left[count] = found->left[i], found->right[count++] = found->right[i];
        }
    }
    memset(found->own, 0, (size_t)count);
    for (int64_t k = 0; k < n_elements; k++) {
        int64_t start = elements[2 * k], end = elements[2 * k + 1], at = 0;
        while (at < count && !(found->start[at] == start && found->end[at] == end)) at++;
        found->own[at] = 1;
        if (at < count) continue;
        found->start[count] = (int32_t)start, found->end[count] = (int32_t)end;
        found->left[count] = left_of(reading, start, end);
        found->right[count++] = right_of(language, reading, start, end);
    }
    bool mixed = has_both_scripts(text);
    for (int64_t i = 0; i < count; i++) {
        int64_t start = found->start[i], end = found->end[i], length = end - start;
        float left = found->left[i], right = found->right[i];
        double told = shape->first[x[start + 1]];
        for (int64_t at = start + 1; at < end; at++) told += shape_of(shape, x, at);
        float shaped = (float)told;
        int64_t foreign = mixed ? foreign_in(text, start, end) : 0;
        seams[i] = left + right;
        shapes[i] = shaped / (float)length;
        const float *hope = bounds->hope;
        float sum = hope[0] * left + hope[1] * right + hope[2] * within(shaped, -20, 20) + hope[3] * (float)min64(length, 12);
        if (!found->own[i] && !foreign && sum <= hope[4]) continue;
        found->start[kept] = (int32_t)start, found->end[kept] = (int32_t)end, found->foreign[kept] = (int32_t)foreign;
        found->left[kept] = left, found->right[kept] = right, found->shaped[kept] = shaped;
        found->own[kept++] = found->own[i];
    }
    page[0] = count ? median(seams, count) : 0;
    page[1] = count ? median(shapes, count) : 0;
done:
    free(seams), free(shapes);
    return kept;
}

/* What the page has of candidates elsewhere: other places where the same string is one between other characters, the
 * share of its places where it is one. */
static void find_elsewhere(const Text *text, const Candidates *found, const Keyed *keyed, int64_t count, int32_t *again,
                           float *share) {
    const uint32_t *key = text->key;
    for (int64_t first = 0, behind; first < count; first = behind) {
        for (behind = first + 1; behind < count && keyed[behind].key == keyed[first].key;) behind++;
        again[keyed[first].row] = 0, share[keyed[first].row] = 1;
        if (behind - first < 2) continue;
        int64_t befores = 0, afters = 0, places = 0, row = keyed[first].row;
        int64_t start = found->start[row], length = found->end[row] - start;
        for (int64_t i = first; i < behind; i++) { /* these are few */
            bool before = true, after = true;
            int64_t a = keyed[i].row;
            for (int64_t k = first; k < i && (before || after); k++) {
                int64_t b = keyed[k].row;
                int64_t x = found->start[a] ? key[found->start[a] - 1] : -1, y = found->start[b] ? key[found->start[b] - 1] : -1;
                before &= x != y;
                after &= key[found->end[a]] != key[found->end[b]];
            }
            befores += before, afters += after;
        }
        for (int64_t at = 0; at + length <= text->size;) {
            if (key[at] == key[start] && !memcmp(key + at, key + start, (size_t)length * sizeof *key)) places++, at += length;
            else at++;
        }
        for (int64_t i = first; i < behind; i++) {
            again[keyed[i].row] = (int32_t)(min64(befores, afters) - 1);
            share[keyed[i].row] = (float)((double)(behind - first) / (double)places);
        }
    }
}

/* What each pair of the text says of its theme. */
typedef struct {
    const float **directions; /* of each pair, NULL where it has none */
    float *norms;
    double *total;
} Themes;

/* How near each span's theme is to that of the rest of the text, and how much theme it has. */
static void find_theme(const Language *language, const Themes *themes, int64_t start, int64_t end, float *near, float *mass) {
    int64_t n = language->n_directions;
    double size = 0, span[64] = {0}, both = 0, own = 0, other = 0;
    for (int64_t i = start; i < end - 1; i++) {
        if (!themes->directions[i]) continue;
        for (int64_t k = 0; k < n; k++) span[k] += themes->directions[i][k];
        size += themes->norms[i];
    }
    for (int64_t k = 0; k < n; k++) {
        double rest = themes->total[k] - span[k];
        both += span[k] * rest, own += span[k] * span[k], other += rest * rest;
    }
    *near = (float)(both / fmax(sqrt(own * other), 1e-6));
    *mass = (float)(size / (double)(end - start));
}

/* The evidence of candidates, in the order of `evidence.FEATURES`, shape (count, width). */
EXPORT int64_t tw_measure(const Language *language, const Shape *shape, const Text *text, const Reading *reading,
                          const Candidates *found, int64_t count, const float *page, int64_t width, float *out) {
    enum { COLUMNS = 37 };
    int64_t n = text->size, error = NO_MEMORY;
    if (width != COLUMNS || language->n_directions > 64) return TOO_MANY;
    const int32_t *x = reading->symbols + 1;
    size_t room = (size_t)max64(count, n) + 1;
    int32_t *times = malloc(room * sizeof *times), *again = malloc(room * sizeof *again);
    float *share = malloc(room * sizeof *share);
    Keyed *keyed = malloc(room * sizeof *keyed);
    Prints prints = {0};
    double total[64] = {0}, cost = 0;
    Themes themes = {malloc(room * sizeof *themes.directions), malloc(room * sizeof *themes.norms), total};
    if (!times || !again || !share || !keyed || !themes.directions || !themes.norms) goto done;
    if (!make_prints(&prints, text->key, n) || count_pairs(text->key, n, times)) goto done;
    for (int64_t i = 0; i < count; i++) keyed[i] = (Keyed){print_of(&prints, found->start[i], found->end[i]), i};
    qsort(keyed, (size_t)count, sizeof *keyed, by_key);
    find_elsewhere(text, found, keyed, count, again, share);
    for (int64_t i = 0; i < n; i++) cost -= reading->log[i + 2];
    for (int64_t i = 0; i + 1 < n; i++) {
        int32_t row = reading->row[i + 3], themed = row < 0 ? -1 : language->themed[row];
        themes.directions[i] = themed < 0 ? NULL : language->themes + themed * language->n_directions;
        double norm = 0;
        for (int64_t k = 0; themed >= 0 && k < language->n_directions; k++) {
            total[k] += themes.directions[i][k];
            norm += (double)themes.directions[i][k] * themes.directions[i][k];
        }
        themes.norms[i] = (float)sqrt(norm);
    }
#define TYPE(i) (KIND(i) & LETTER ? 1 : KIND(i) & DIGIT ? 2 : 0)
#define IS_HAN(i) (KIND(i) & ALPHANUMERIC && !(KIND(i) & (LETTER | DIGIT)))
    for (int64_t i = 0; i < count; i++) {
        int64_t start = found->start[i], end = found->end[i], length = end - start, hans = 0, turns = 0, worth = 0, known = 0;
        int64_t unknown = 0, letters = 0, digits = 0, foreign = found->foreign[i], elsewhere = min64(again[i], 4);
        double han_cost = 0, good = 0;
        float left = found->left[i], right = found->right[i], shaped = found->shaped[i], near, mass;
        for (int64_t at = start; at < end; at++) {
            letters += (KIND(at) & LETTER) > 0, digits += (KIND(at) & DIGIT) > 0;
            unknown += IS_HAN(at) && x[at + 1] == 0;
            if (at == start) continue;
            if (IS_HAN(at)) hans++, han_cost -= reading->log[at + 2];
            turns += TYPE(at) != TYPE(at - 1);
            good += larger(shape_of(shape, x, at), 0);
            if (!IS_HAN(at) && !IS_HAN(at - 1)) continue;
            worth++;
            known += times[at - 1] > elsewhere + 1;
        }
        float each = (float)(han_cost / (double)max64(hans, 1)), share_known = (float)((double)known / (double)max64(worth, 1));
        int before = start ? TYPE(start - 1) : 0, after = TYPE(end);
        bool joint_left = start == 0 || !(KIND(start - 1) & ALPHANUMERIC), joint_right = !(KIND(end) & ALPHANUMERIC);
        if (joint_left && joint_right && !again[i]) foreign = min64(foreign, 1);
        find_theme(language, &themes, start, end, &near, &mass);
        const float row[COLUMNS] = {
            within(left, -2, 6),
            within(right, -4, 8),
            within(smaller(left, right), -3, 4),
            each,
            within(each - 5, 0, 4),
            (float)min64(length, 12),
            (float)foreign,
            foreign > 1,
            (float)min64(turns, 4),
            letters > 0,
            digits > 0,
            joint_left,
            joint_right,
            joint_left && joint_right,
            (before && before == TYPE(start)) || (after && after == TYPE(end - 1)),
            before && before == after,
            (float)min64(again[i], 3),
            again[i] > 0 ? share[i] : 0,
            share_known,
            again[i] > 0 ? share_known : 0,
            (float)((double)unknown / (double)length),
            near,
            smaller(mass, 4),
            mass == 0,
            shaped / (float)length,
            within(shaped, -20, 20),
            (float)(good / (double)length),
            start ? shape->first[x[start]] : NO_PHRASE,
            shape_of(shape, x, end),
            end + 1 < n ? shape_of(shape, x, end + 1) : 0,
            shape->first[x[start + 1]],
            shape_of(shape, x, start),
            shape_of(shape, x, end - 1),
            left + right - page[0],
            shaped / (float)length - page[1],
            (float)(cost / (double)n),
            (float)log((double)n),
        };
        memcpy(out + i * COLUMNS, row, sizeof row);
    }
    error = 0;
done:
    free(times), free(again), free(share), free(keyed), free(prints.sums);
    free((void *)themes.directions), free(themes.norms);
    return error;
}

/* The log odds of a recurring string being spliced in, from its seams: see `pieces`. */
typedef struct {
    float low, high, slope, offset, worse, worst; /* bounds of a seam; weights */
} Weights;

static float weigh(const Weights *weights, float left, float right) {
    float both = within(left, weights->low, weights->high) + within(right, weights->low, weights->high);
    float worst = smaller(smaller(left, right), 0);
    return weights->slope * both + weights->offset + weights->worse * smaller(worst + weights->worst, 0);
}

typedef struct {
    int32_t *start, *end, *name;
    float *value;
} Joints;

typedef struct {
    int32_t name;
    uint32_t letter;
} Edge;

static int by_edge(const void *a, const void *b) {
    const Edge *x = a, *y = b;
    if (x->name != y->name) return x->name < y->name ? -1 : 1;
    return (x->letter > y->letter) - (x->letter < y->letter);
}

/* Which names are followed (or led) by one and the same word character nearly everywhere. */
static void find_longer(Edge *edges, int64_t count, const int32_t *times, uint8_t *longer) {
    qsort(edges, (size_t)count, sizeof *edges, by_edge);
    for (int64_t first = 0, behind; first < count; first = behind) {
        for (behind = first + 1; behind < count && !by_edge(edges + behind, edges + first);) behind++;
        if (edges[first].letter && (behind - first) * 10 >= (int64_t)times[edges[first].name] * 7) longer[edges[first].name] = 1;
    }
}

/* The places where recurring strings may be splices, by length and place: a string recurs only if all its pairs of
 * characters do. Names are numbers, the same for the same string. Room for the sizes times `size`. */
EXPORT int64_t tw_joints(const Language *language, const Text *text, const Reading *reading, const Weights *weights,
                         float least, int64_t shortest, int64_t longest, Joints *found) {
    int64_t n = text->size, count = 0, kept = 0, names = 0;
    size_t room = (size_t)(n * (longest - shortest + 1)) + 1;
    int32_t *pairs = malloc(((size_t)n + 1) * sizeof *pairs), *times = NULL;
    uint8_t *recurs = calloc((size_t)n + 2, 1), *longer = NULL;
    int32_t *starts = malloc(((size_t)n + 1) * sizeof *starts);
    Edge *edges = malloc(room * sizeof *edges);
    Prints prints = {0};
    if (!pairs || !recurs || !starts || !edges) goto failed;
    if (!make_prints(&prints, text->key, n) || count_pairs(text->key, n, pairs)) goto failed;
    int64_t open = 0;
    for (int64_t i = 0; i + 1 < n; i++) {
        recurs[i] = KIND(i) & ALPHANUMERIC && KIND(i + 1) & ALPHANUMERIC && pairs[i] > 1;
        if (recurs[i]) starts[open++] = (int32_t)i;
    }
    for (int64_t length = shortest; length <= longest; length++) {
        int64_t still = 0;
        for (int64_t i = 0; i < open; i++) {
            int64_t start = starts[i], end = start + length;
            if (weigh(weights, best_left(reading, start), best_right(reading, end)) > least) {
                found->start[count] = (int32_t)start, found->end[count++] = (int32_t)end;
            }
            if (recurs[end - 1]) starts[still++] = (int32_t)start;
        }
        open = still;
    }
    if ((names = name_spans(&prints, found->start, found->end, count, found->name)) < 0) goto failed;
    times = calloc((size_t)names + 1, sizeof *times), longer = calloc((size_t)names + 1, 1);
    if (!times || !longer) goto failed;
    for (int64_t i = 0; i < count; i++) times[found->name[i]]++;
    for (int64_t i = 0; i < count; i++) {
        int64_t start = found->start[i], end = found->end[i];
        if (times[found->name[i]] < 2) continue;
        float value = weigh(weights, left_of(reading, start, end), right_of(language, reading, start, end));
        if (value <= least) continue;
        found->start[kept] = (int32_t)start, found->end[kept] = (int32_t)end;
        found->name[kept] = found->name[i], found->value[kept++] = value;
    }
    count = kept, kept = 0;
    memset(times, 0, ((size_t)names + 1) * sizeof *times);
    for (int64_t i = 0; i < count; i++) times[found->name[i]]++;
    for (int side = 0; side < 2; side++) {
        for (int64_t i = 0; i < count; i++) {
            int64_t at = side ? found->start[i] - 1 : found->end[i];
            bool is_word = at >= 0 && at < n && KIND(at) & ALPHANUMERIC;
            edges[i] = (Edge){found->name[i], is_word ? text->key[at] : 0};
        }
        find_longer(edges, count, times, longer);
    }
    for (int64_t i = 0; i < count; i++) {
        int32_t name = found->name[i];
        if (times[name] < 2 || longer[name]) continue;
        found->start[kept] = found->start[i], found->end[kept] = found->end[i];
        found->name[kept] = name, found->value[kept++] = found->value[i];
    }
    goto done;
failed:
    kept = NO_MEMORY;
done:
    free(pairs), free(times), free(recurs), free(longer), free(starts), free(edges), free(prints.sums);
    return kept;
}
