/* A glance at a text: spans that sit badly by their pairs of characters alone, and what they have of search phrases and of
 * pieces that are dealt out. It decides which pages get the full look, and every page pays for it. See
 * `pipeline.ingest.evidence` and `pieces`. */
#include "splices.h"

enum { SHORTEST = 2, LONGEST = 22 };        /* characters of a span */
enum { MOST_WEAK = 60, MOST_GAIN = 120 };   /* steps that a seam gains, at most */
enum { OF_PHRASES = 22, OF_PIECES = 14 };   /* columns */
enum { STRINGS = 6, AT_MOST = 64, GAINS = 512, NO_GAIN = 300 };

/* What it looks for: gains are in steps. */
typedef struct {
    int64_t loose, bad;            /* a character does not go with the one before it from here on; what both seams must gain */
    int64_t shortest, most, usual; /* of phrases: characters; spans that are told of; which of them is what the page has anyway */
    int64_t longest, badly;        /* of pieces: characters; what both seams gain of those that are counted */
    float like;                    /* nats a character from which on an element has the shape of a phrase */
} Sight;

/* A logistic regression. */
typedef struct {
    const float *mean, *scale, *weight; /* of each column of pieces */
    float bias, far;                    /* far: standard deviations at which a column is held */
} Regression;

/* What it sees. */
typedef struct {
    int32_t *spans; /* start and end of those told of; room for `most` */
    float *phrases; /* and their signs, in the order of `evidence.SUSPICIONS` */
    float *pieces;  /* signs of the page, in the order of `pieces.SUSPICIONS` */
    uint8_t *like;  /* whether each element has the shape of a phrase */
    float phrase_odds, piece_odds; /* log odds: of the best span, and of the page */
} Seen;

typedef struct {
    int32_t start;
    int16_t length, gain;
} Span;

/* A string that is there more than once, by its symbols. */
typedef struct {
    uint64_t mark;
    double sum;
    int64_t count;
} String;

typedef struct {
    int32_t start, end, rank, behind;
} Place;

/* The caller's memory, by what it is for. */
typedef struct {
    uint64_t *keys; /* and numbers: of the table of strings */
    String *strings;
    Place *places;
    Span *spans;
    int32_t *symbols, *steps, *weak, *ends, *numbers, *names;
    uint8_t *kinds, *counts;
    int64_t size;
} Room;

static void *take(uint8_t *memory, int64_t *used, int64_t count, size_t size) {
    void *taken = memory ? memory + *used : NULL;
    *used += (count * (int64_t)size + 63) / 64 * 64;
    return taken;
}

static int bits_of_pairs(int64_t size) {
    int bits = 0;
    for (int64_t rest = 8 * size; rest; rest >>= 1) bits++;
    return bits < 12 ? 12 : bits > 20 ? 20 : bits;
}

/* What is used of it comes first: the rest is for texts that no article is like. */
static Room share_out(uint8_t *memory, int64_t n, int64_t pieces) {
    Room room = {0};
    int64_t used = 0, table = 16;
    while (table < 2 * n * pieces) table *= 2;
    room.symbols = take(memory, &used, n + 3, sizeof *room.symbols);
    room.steps = take(memory, &used, n + 1, sizeof *room.steps);
    room.weak = take(memory, &used, n + 1, sizeof *room.weak);
    room.ends = take(memory, &used, n + 1, sizeof *room.ends);
    room.kinds = take(memory, &used, n + 1, 1);
    room.counts = take(memory, &used, (int64_t)1 << bits_of_pairs(n), 1);
    room.spans = take(memory, &used, n * (LONGEST - SHORTEST + 1), sizeof *room.spans);
    room.names = take(memory, &used, n * pieces, sizeof *room.names);
    room.strings = take(memory, &used, n * pieces, sizeof *room.strings);
    room.places = take(memory, &used, n * pieces, sizeof *room.places);
    room.keys = take(memory, &used, table, sizeof *room.keys);
    room.numbers = take(memory, &used, table, sizeof *room.numbers);
    room.size = used;
    return room;
}

static int64_t lengths_of_pieces(const Sight *sight) { return max64(1, min64(sight->longest, LONGEST) - SHORTEST + 1); }

/* Bytes of memory that a text of this size needs. */
EXPORT int64_t tw_glance_room(int64_t size, const Sight *sight) { return share_out(NULL, size, lengths_of_pieces(sight)).size; }

/* The spans of a text that gain more than `bad`. For each place where a character does not go with the one before it, ends
 * are sought that a span of words from there could have: where the text before goes on better than the span does. */
static int64_t find_spans(const Language *language, const Text *text, const Sight *sight, const Room *room) {
    int64_t n = text->size, count = 0, loose = 0, kept = 0;
    Span *spans = room->spans;
    int32_t *symbols = room->symbols, *steps = room->steps, *weak = room->weak, *ends = room->ends, end = (int32_t)n;
    int32_t *places = room->names; /* where characters do not go with the one before: not used for names yet */
    symbols[0] = symbols[n + 1] = symbols[n + 2] = (int32_t)language->break_symbol;
    for (int64_t i = 0; i < n; i++) {
        symbols[i + 1] = symbol_of(language, text->key[i]);
        room->kinds[i] = KIND(i);
    }
    for (int64_t i = 0; i < min64(n, AHEAD); i++) __builtin_prefetch(language->pair_steps + symbols[i] * language->size + symbols[i + 1]);
    for (int64_t i = 0; i < n; i++) {
        if (i + AHEAD < n)
            __builtin_prefetch(language->pair_steps + symbols[i + AHEAD] * language->size + symbols[i + AHEAD + 1]);
        steps[i] = language->pair_steps[symbols[i] * language->size + symbols[i + 1]];
        weak[i] = (int32_t)min64(steps[i] - language->one_steps[symbols[i + 1]], MOST_WEAK);
        places[loose] = (int32_t)i;
        loose += weak[i] > sight->loose;
    }
    for (int64_t i = n - 1; i >= 0; i--) {
        if (!(room->kinds[i] & WORD)) end = (int32_t)i;
        ends[i] = end;
    }
    for (int64_t a = 0; a < loose; a++) {
        int64_t start = places[a], last = min64(min64(ends[start], start + LONGEST), n - 1);
        for (int64_t b = a + 1; b < loose && places[b] <= last; b++) {
            spans[count] = (Span){(int32_t)start, (int16_t)(places[b] - start), 0};
            count += places[b] - start >= SHORTEST;
        }
    }
#define JOINED(span) (language->pair_steps + symbols[(span).start] * language->size + symbols[(span).start + (span).length + 1])
    for (int64_t i = 0; i < count; i++) {
        if (i + AHEAD < count) __builtin_prefetch(JOINED(spans[i + AHEAD]));
        Span span = spans[i];
        int64_t gain = min64(steps[span.start + span.length] - *JOINED(span), MOST_GAIN) + weak[span.start];
        span.gain = (int16_t)gain;
        spans[kept] = span;
        kept += gain > sight->bad;
    }
    return kept;
}

/* The spans that gain most and are as long as phrases come to the front, in the order of the text. Returns how many;
 * `all` gets how many there are, `best` the gain of one of the best. */
static int64_t choose_spans(const Sight *sight, Span *spans, int64_t count, int64_t *all, int64_t *best) {
    int32_t times[GAINS] = {0};
    int64_t most = min64(sight->most, AT_MOST), least = GAINS - 1, above = 0, kept = 0, ties = 0;
    for (int64_t i = 0; i < count; i++) times[spans[i].gain + NO_GAIN] += spans[i].length >= sight->shortest;
    *all = 0;
    for (int64_t gain = 0; gain < GAINS; gain++) *all += times[gain];
    for (; least > 0 && above + times[least] <= most; least--) above += times[least];
    int64_t usual = min64(min64(*all, most), sight->usual), seen = 0, gain = GAINS;
    while (gain > 0 && seen < usual) seen += times[--gain];
    *best = gain - NO_GAIN;
    for (int64_t i = 0; i < count; i++) {
        int64_t own = spans[i].gain + NO_GAIN;
        if (spans[i].length < sight->shortest || own < least || (own == least && ties++ >= most - above)) continue;
        Span span = spans[i];
        spans[i] = spans[kept];
        spans[kept++] = span;
    }
    return kept;
}

static void prefetch_pairs(const Shape *shape, const int32_t *symbols, int64_t start, int64_t end) {
    for (int64_t at = start; at <= end; at++) __builtin_prefetch(shape->pairs + symbols[at] * shape->size + symbols[at + 1]);
}

/* What spans have of phrases. Much is told against the rest of the page. */
static void measure_phrases(const Shape *shape, const Language *language, const Text *text, const Room *room,
                            const Span *spans, int64_t kept, int64_t all, int64_t best, Seen *seen) {
    int64_t n = text->size, cost = 0;
    const int32_t *symbols = room->symbols, *steps = room->steps;
    const uint8_t *kinds = room->kinds;
    int bits = bits_of_pairs(n);
    uint64_t prints[AT_MOST];
    float shaped[AT_MOST];
    for (int64_t i = 0; i < kept; i++) prefetch_pairs(shape, symbols, spans[i].start, spans[i].start + spans[i].length);
    memset(room->counts, 0, (size_t)1 << bits);
#define PAIR(i) ((text->key[i] * 0x9e3779b1u ^ text->key[(i) + 1] * 0x85ebca6bu) >> (32 - bits))
    for (int64_t i = 0; i + 1 < n; i++) {
        uint8_t *times = room->counts + PAIR(i);
        *times += *times < 2;
    }
    for (int64_t i = 0; i < n; i++) cost += steps[i];
    for (int64_t i = 0; i < kept; i++) {
        prints[i] = (uint64_t)spans[i].length;
        for (int64_t at = 0; at < spans[i].length; at++) prints[i] = mixed(prints[i] + text->key[spans[i].start + at]);
    }
    for (int64_t i = 0; i < kept; i++) {
        int64_t start = spans[i].start, length = spans[i].length, end = start + length, copies = 0, link = 0, again = 0;
        int64_t inside = 0, good = 0;
        bool latin = false;
        for (int64_t at = start; at < end; at++) {
            latin |= (kinds[at] & (LETTER | DIGIT)) > 0;
            if (at == start) continue;
            int64_t gain = shape->pairs[symbols[at] * shape->size + symbols[at + 1]];
            inside += gain;
            good += max64(gain, 0);
            link += language->one_steps[symbols[at + 1]] - steps[at];
            again += room->counts[PAIR(at - 1)] > 1;
        }
        for (int64_t k = 0; k < kept; k++) copies += prints[k] == prints[i];
        int64_t foreign = foreign_in(text, start, end);
        shaped[i] = (float)(((double)inside * STEP + shape->first[symbols[start + 1]]) / (double)length);
        const float row[OF_PHRASES] = {
            (float)spans[i].gain * STEP,
            (float)min64(length, 12),
            shaped[i],
            (float)foreign,
            foreign > 1,
            latin,
            (float)min64(copies - 1, 3),
            (float)(language->one_steps[symbols[start + 1]] - steps[start]) * STEP,
            (float)(language->one_steps[symbols[end + 1]] - steps[end]) * STEP,
            (float)((double)link * STEP / (double)(length - 1)),
            (float)((double)again / (double)(length - 1)),
            start == 0 || !(kinds[start - 1] & WORD),
            !(kinds[end] & WORD),
            shape->first[symbols[start + 1]],
            shape_of(shape, symbols, end),
            start > 0 ? shape->first[symbols[start]] : NO_PHRASE,
            (float)((double)good * STEP / (double)length),
            (float)(spans[i].gain - best) * STEP,
            0,
            (float)((double)all / (double)max64(300, n)),
            (float)((double)cost * STEP / (double)n),
            (float)log((double)n),
        };
        memcpy(seen->phrases + i * OF_PHRASES, row, sizeof row);
        seen->spans[2 * i] = (int32_t)start, seen->spans[2 * i + 1] = (int32_t)end;
    }
    if (!kept) return;
    float sorted[AT_MOST];
    memcpy(sorted, shaped, (size_t)kept * sizeof *sorted);
    float middle = median(sorted, kept);
    for (int64_t i = 0; i < kept; i++) seen->phrases[i * OF_PHRASES + 18] = shaped[i] - middle;
}

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

/* What spans have of pieces. */
static int64_t measure_pieces(const Text *text, const Room *room, const Sight *sight, const Span *spans, int64_t count,
                              float *out) {
    int64_t n = text->size, kept = 0, bad = 0, placed = 0, cost = 0, table = 16;
    const int32_t *symbols = room->symbols;
    Place *places = room->places;
    String *all = room->strings, best[STRINGS];
    memset(out, 0, OF_PIECES * sizeof *out);
    for (int64_t i = 0; i < n; i++) cost += room->steps[i];
    out[0] = (float)log((double)n + 1);
    out[1] = n ? (float)((double)cost * STEP / (double)n) : 0;
    for (int64_t i = 0; i < count; i++) {
        bool whole = spans[i].length <= sight->longest;
        for (int64_t at = 0; whole && at < spans[i].length; at++) whole = room->kinds[spans[i].start + at] & ALPHANUMERIC;
        if (!whole) continue;
        places[kept++] = (Place){spans[i].start, spans[i].start + spans[i].length, spans[i].gain, 0};
        bad += spans[i].gain > sight->badly;
    }
    if (!kept) return 0;
    while (table < 2 * kept) table *= 2;
    Groups groups = {room->keys, room->numbers, (uint64_t)table - 1, 0};
    memset(groups.numbers, 0xff, (size_t)table * sizeof *groups.numbers);
    for (int64_t i = 0; i < kept; i++) {
        int64_t start = places[i].start, end = places[i].end;
        uint64_t mark = (uint64_t)symbols[start + 1] * 1000003 + (uint64_t)symbols[start + 2] * 8191 +
                        (uint64_t)symbols[end] * 131 + (uint64_t)(end - start);
        int32_t known = groups.count, name = room->names[i] = group_of(&groups, mark);
        if (name == known) all[name] = (String){mark, 0, 0};
        all[name].sum += (double)places[i].rank * STEP;
        all[name].count++;
    }
    int64_t column = 2, strings = 0, names = groups.count;
    for (int least = 2; least <= 3; least++) {
        static const int64_t MOST[] = {1, 3, STRINGS};
        double sum = 0, strong = 0;
        strings = find_best(all, names, least, best);
        for (int64_t k = 0, i = 0; k < 3; k++) {
            for (; i < min64(MOST[k], strings); i++) sum += best[i].sum;
            out[column++] = (float)log1p(sum);
        }
        for (int64_t i = 0; i < names; i++)
            strong += all[i].count >= least && all[i].sum > (double)sight->badly * STEP * least;
        out[column++] = (float)log1p(strong);
    }
    out[column++] = (float)log1p(1000 * (double)bad / (double)max64(300, n));
    strings = find_best(all, names, 2, best);
    for (int64_t i = 0; i < kept; i++)
        for (int32_t rank = 0; rank < strings; rank++)
            if (best[rank].mark == all[room->names[i]].mark)
                places[placed++] = (Place){places[i].start, places[i].end, rank, symbols[places[i].end + 1]};
    return strings ? find_order(places, placed, strings, out + column) : 0;
}

static float odds_of(const Regression *line, const float *signs) {
    double sum = line->bias;
    for (int64_t i = 0; i < OF_PIECES; i++)
        sum += within((signs[i] - line->mean[i]) / line->scale[i], -line->far, line->far) * line->weight[i];
    return (float)(rint(1000 * sum) / 1000); /* the last bits of one machine's sums decide nothing */
}

/* Look at a text. `elements` are spans of it that are elements of their own; `networks` and `line` may be NULL: then no
 * odds are told. `memory` has what `tw_glance_room` says. Returns how many spans are told of. */
EXPORT int64_t tw_glance(const Language *language, const Shape *shape, const Text *text, const Sight *sight,
                         const int64_t *elements, int64_t n_elements, const Networks *networks, const Regression *line,
                         uint8_t *memory, Seen *seen) {
    Room room = share_out(memory, text->size, lengths_of_pieces(sight));
    int64_t count = find_spans(language, text, sight, &room), all, best;
    if (measure_pieces(text, &room, sight, room.spans, count, seen->pieces) < 0) return NO_MEMORY;
    int64_t kept = choose_spans(sight, room.spans, count, &all, &best);
    measure_phrases(shape, language, text, &room, room.spans, kept, all, best, seen);
    for (int64_t i = 0; i < n_elements; i++) {
        int64_t start = elements[2 * i], end = elements[2 * i + 1];
        double told = shape->first[room.symbols[start + 1]];
        bool whole = end - start >= sight->shortest;
        for (int64_t at = start; at < end; at++) {
            whole &= room.kinds[at] & WORD;
            if (at > start) told += shape_of(shape, room.symbols, at);
        }
        seen->like[i] = whole && told / (double)(end - start) > sight->like;
    }
    seen->phrase_odds = seen->piece_odds = -99;
    if (line) seen->piece_odds = odds_of(line, seen->pieces);
    if (networks && kept) {
        double odds[AT_MOST], most = -99;
        if (tw_judge(networks, seen->phrases, kept, odds) < 0) return NO_MEMORY;
        for (int64_t i = 0; i < kept; i++) most = odds[i] > most ? odds[i] : most;
        seen->phrase_odds = (float)(rint(1000 * most) / 1000);
    }
    return kept;
}

/* For a test that ctypes has the same. */
EXPORT const int64_t tw_size_sight = sizeof(Sight);
EXPORT const int64_t tw_size_regression = sizeof(Regression);
EXPORT const int64_t tw_size_seen = sizeof(Seen);
