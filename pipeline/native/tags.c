/* Topics of articles: what their characters and pairs of letters say, which terms stand where, and scores of both.
 *
 * An article is two fields of an array of keys, title and text, each with a line break as its last character. `bounds`
 * holds where each field begins, and the end. All sums are of whole numbers.
 */
#include "kernels.h"

/* Roles of a key character, as bits: it is a term; it ends a sentence. */
enum { ALONE = 1, ENDS = 2 };
enum { BUCKETS = 1024, STRETCH = 1 << 14, BLOCK = 256, OFTEN = 255, MEASURES = 6, KINDS = 2 };

typedef struct {
    const uint16_t *letters; /* letter of each key character, 0: none */
    const int16_t *rows;     /* (2**bits + 1, width): what each row adds to each topic, its rarity with the sign of the
                                sketch, and zeros; the last row is that of no letter: all zeros */
    const uint8_t *steps;    /* (OFTEN + 1,): what one more adds to so many of a row, 64 at most; the last is 0 */
    int64_t bits, n_topics, width; /* width: a multiple of four above n_topics */
    double shortest;               /* length of an article at least */
} Pairs;

typedef struct {
    uint8_t *roles;   /* of each key character */
    uint8_t *begins;  /* 1 << 16 bits: whether a term may begin with two characters of this hash */
    uint64_t *steps;  /* hash table: state << 40 | character << 24 | the state behind it, or 0; states from 1 */
    uint64_t mask;
    int32_t *ends;                     /* term that ends in each state, or -1 */
    const uint8_t *ascii;              /* whether a term is of ASCII only */
    const int32_t *group_at, *groups;  /* groups that each term counts for */
    const int32_t *speaks;             /* topic that each group speaks for, or -1 */
    int64_t n_terms, n_groups, n_topics;
    int64_t lead, window; /* code points */
} Terms;

typedef struct {
    const int32_t *terms; /* (n_columns, n_topics), in `unit` with the measures */
    const double *bias, *scale, *calibration;
    double unit;
} Linear;

typedef struct {
    int64_t start, end, term;
} Place;

/* What is counted of a group in one article. */
typedef struct {
    int32_t count, lead, title, kinds, covered;
    int64_t window;
} Tally;

/* What is counted of a topic in one article: its own sentences, and those with no other topic. */
typedef struct {
    int64_t body[KINDS], lead[KINDS], title[KINDS], sentence;
} Share;

/* Characters and pairs */

static inline uint32_t row_of(uint32_t first, uint32_t second, int64_t bits) {
    uint32_t row = first * 0x9e3779b1u + second * 0x85ebca6bu;
    return (row ^ row >> 15) * 0xc2b2ae35u >> (32 - bits);
}

/* Rows of each character by itself and with the next one; 2**bits where there is no letter. */
static void rows_of(const uint16_t *restrict letters, int64_t bits, const uint16_t *restrict keys, int64_t size,
                    uint32_t *restrict ones, uint32_t *restrict twos) {
    const uint32_t none = (uint32_t)1 << bits;
    uint32_t letter = size ? letters[keys[0]] : 0;
    for (int64_t at = 0; at < size; at++) {
        const uint32_t next = at + 1 < size ? letters[keys[at + 1]] : 0;
        const uint32_t any = (uint32_t) - (letter != 0), both = any & (uint32_t) - (next != 0);
        ones[at] = (row_of(letter, 0, bits) & any) | (none & ~any);
        twos[at] = (row_of(letter, next, bits) & both) | (none & ~both);
        letter = next;
    }
}

EXPORT int64_t tw_rows(const uint16_t *letters, int64_t bits, const uint16_t *keys, int64_t size, uint32_t *ones,
                       uint32_t *twos) {
    rows_of(letters, bits, keys, size, ones, twos);
    return size;
}

/* What weighing needs. */
typedef struct {
    int64_t *sums;         /* a row of the table */
    int32_t *part;         /* the same, of a stretch */
    uint32_t *ones, *twos; /* the article's rows: of characters, and of pairs */
    uint8_t *of_ones, *of_twos; /* how often it has had each row, OFTEN at most; all 0 between articles */
    int32_t sketch[BUCKETS];
} Scale;

static void free_scale(Scale *scale) {
    free(scale->sums);
    free(scale->part);
    free(scale->ones);
    free(scale->twos);
    free(scale->of_ones);
    free(scale->of_twos);
}

static bool make_scale(Scale *scale, const Pairs *pairs, const int64_t *bounds, int64_t n_articles) {
    const size_t rows = ((size_t)1 << pairs->bits) + 1;
    int64_t longest = 1;
    for (int64_t a = 0; a < n_articles; a++) longest = max64(longest, bounds[2 * a + 2] - bounds[2 * a]);
    scale->sums = malloc((size_t)pairs->width * sizeof *scale->sums);
    scale->part = malloc((size_t)pairs->width * sizeof *scale->part);
    scale->ones = malloc((size_t)longest * sizeof *scale->ones);
    scale->twos = malloc((size_t)longest * sizeof *scale->twos);
    scale->of_ones = calloc(rows, 1);
    scale->of_twos = calloc(rows, 1);
    return scale->sums && scale->part && scale->ones && scale->twos && scale->of_ones && scale->of_twos;
}

/* Add what the characters from `from` to `to` say: of a row that the article has already, what one more adds. The
   weights are fetched a block ahead, since they are all over a table that no core's own cache holds. */
static inline __attribute__((always_inline)) void add(const Pairs *pairs, int64_t from, int64_t to, const int64_t width,
                                                      Scale *scale, int32_t *restrict sums) {
    const int64_t sign = pairs->n_topics;
    const int16_t *restrict table = pairs->rows;
    const uint8_t *restrict steps = pairs->steps;
    uint8_t *restrict of_ones = scale->of_ones, *restrict of_twos = scale->of_twos;
    int32_t *restrict sketch = scale->sketch;
    int16_t by_one[BLOCK], by_two[BLOCK];
    for (; from < to; from += BLOCK) {
        const int64_t part = min64(BLOCK, to - from);
        const uint32_t *restrict ones = scale->ones + from, *restrict twos = scale->twos + from;
        for (int64_t at = 0; at < part; at++) {
            const uint8_t one = of_ones[ones[at]], two = of_twos[twos[at]];
            __builtin_prefetch(table + ones[at] * width);
            __builtin_prefetch(table + twos[at] * width);
            of_ones[ones[at]] = (uint8_t)(one + (one < OFTEN));
            of_twos[twos[at]] = (uint8_t)(two + (two < OFTEN));
            by_one[at] = steps[one];
            by_two[at] = steps[two];
        }
        for (int64_t at = 0; at < part; at++) {
            const int16_t *one = table + ones[at] * width, *two = table + twos[at] * width;
            for (int64_t k = 0; k < width; k++) sums[k] += one[k] * by_one[at] + two[k] * by_two[at];
            sketch[twos[at] >> 1 & (BUCKETS - 1)] += two[sign] * by_two[at];
        }
    }
}

static void forget(const uint32_t *restrict rows, int64_t size, uint8_t *restrict counts) {
    for (int64_t at = 0; at < size; at++) counts[rows[at]] = 0;
}

/* What an article's characters and pairs say of each topic, by the length of its vector. */
static void weigh(const Pairs *pairs, const uint16_t *keys, int64_t size, Scale *scale, double *scores) {
    rows_of(pairs->letters, pairs->bits, keys, size, scale->ones, scale->twos);
    memset(scale->sums, 0, (size_t)pairs->width * sizeof *scale->sums);
    memset(scale->sketch, 0, sizeof scale->sketch);
    for (int64_t from = 0; from < size; from += STRETCH) { /* so short that no sum leaves its 32 bits */
        const int64_t to = min64(size, from + STRETCH);
        memset(scale->part, 0, (size_t)pairs->width * sizeof *scale->part);
        if (pairs->width == 4) add(pairs, from, to, 4, scale, scale->part);
        else add(pairs, from, to, pairs->width, scale, scale->part);
        for (int64_t k = 0; k < pairs->n_topics; k++) scale->sums[k] += scale->part[k];
    }
    forget(scale->ones, size, scale->of_ones);
    forget(scale->twos, size, scale->of_twos);
    uint64_t squares = 0; /* below 2**64 with 2**20 rows, all there and all of one sign */
    for (int64_t k = 0; k < BUCKETS; k++) squares += (uint64_t)((int64_t)scale->sketch[k] * scale->sketch[k]);
    double length = fmax(sqrt((double)squares), pairs->shortest);
    for (int64_t k = 0; k < pairs->n_topics; k++) scores[k] = (double)scale->sums[k] / length;
}

static bool has_letter(const Pairs *pairs, const uint16_t *keys, int64_t size) {
    for (int64_t at = 0; at < size; at++)
        if (pairs->letters[keys[at]]) return true;
    return false;
}

/* Scores (n_articles, n_topics), and whether a text has a letter. */
EXPORT int64_t tw_weigh(const Pairs *pairs, const uint16_t *keys, const int64_t *bounds, int64_t n_articles,
                        double *scores, uint8_t *in_text) {
    Scale scale = {0};
    const bool ready = make_scale(&scale, pairs, bounds, n_articles);
    for (int64_t a = 0; ready && a < n_articles; a++) {
        int64_t begin = bounds[2 * a], text = bounds[2 * a + 1], end = bounds[2 * a + 2];
        weigh(pairs, keys + begin, end - begin, &scale, scores + a * pairs->n_topics);
        in_text[a] = has_letter(pairs, keys + text, end - text);
    }
    free_scale(&scale);
    return ready ? n_articles : NO_MEMORY;
}

/* Terms */

enum { STATE = 24, ROOT = 1 };

/* Where the step by a character stands in the table, or may be put. */
static inline uint64_t *slot_of(const Terms *terms, uint64_t state, uint16_t key) {
    const uint64_t step = state << 16 | key;
    uint64_t at = mixed(step) & terms->mask;
    while (terms->steps[at] && terms->steps[at] >> STATE != step) at = (at + 1) & terms->mask;
    return terms->steps + at;
}

static inline uint32_t pair_of(uint32_t first, uint32_t second) {
    return (first * 0x9e3779b1u ^ second * 0x85ebca6bu) >> 16;
}

/* The state behind a character, or 0. */
static inline uint64_t next_state(const Terms *terms, uint64_t state, uint16_t key) {
    return *slot_of(terms, state, key) & (((uint64_t)1 << STATE) - 1);
}

/* Put terms into the tree, empty before. `steps` has room for twice as many as there are characters, and is all 0;
   `ends` for two more, and is all -1. There are less than 2**24 characters. Return the number of states. */
EXPORT int64_t tw_grow(const Terms *terms, const uint16_t *keys, const int64_t *bounds) {
    uint64_t count = ROOT;
    for (int64_t term = 0; term < terms->n_terms; term++) {
        int64_t begin = bounds[term], size = bounds[term + 1] - begin;
        uint64_t state = ROOT;
        for (int64_t at = begin; at < begin + size; at++) {
            uint64_t *slot = slot_of(terms, state, keys[at]);
            if (!*slot) *slot = (state << 16 | keys[at]) << STATE | ++count;
            state = next_state(terms, state, keys[at]);
        }
        if (!size) continue;
        terms->ends[state] = (int32_t)term;
        const uint32_t pair = pair_of(keys[begin], size > 1 ? keys[begin + 1] : 0);
        if (size > 1) terms->begins[pair >> 3] |= (uint8_t)(1 << (pair & 7));
        else terms->roles[keys[begin]] |= ALONE;
    }
    return (int64_t)count;
}

/* The groups that each term counts for: its owners, and those of the terms inside it, except where one of them is of a
   group that hides. `group_at` gets where those of each begin, `groups` has room for `most`. */
EXPORT int64_t tw_inside(const Terms *terms, const uint16_t *keys, const int64_t *bounds, const int32_t *owner_at,
                         const int32_t *owners, const uint8_t *hides, int32_t *group_at, int32_t *groups, int64_t most) {
    uint8_t *counts = malloc((size_t)max64(terms->n_groups, 1));
    int64_t total = 0;
    if (!counts) return NO_MEMORY;
    for (int64_t term = 0; term < terms->n_terms; term++) {
        bool hiding = false;
        memset(counts, 0, (size_t)terms->n_groups);
        for (int32_t k = owner_at[term]; k < owner_at[term + 1]; k++) {
            counts[owners[k]] = 1;
            hiding |= hides[owners[k]];
        }
        for (int64_t at = bounds[term]; at < bounds[term + 1] && !hiding; at++) {
            uint64_t state = ROOT;
            for (int64_t to = at; to < bounds[term + 1] && (state = next_state(terms, state, keys[to])); to++) {
                int32_t other = terms->ends[state];
                if (other < 0) continue;
                for (int32_t k = owner_at[other]; k < owner_at[other + 1]; k++)
                    if (!hides[owners[k]]) counts[owners[k]] = 1;
            }
        }
        group_at[term] = (int32_t)total;
        for (int64_t group = 0; group < terms->n_groups; group++) {
            if (!counts[group]) continue;
            if (total == most) {
                free(counts);
                return TOO_MANY;
            }
            groups[total++] = (int32_t)group;
        }
    }
    group_at[terms->n_terms] = (int32_t)total;
    free(counts);
    return total;
}

/* Whether an ASCII letter or digit stands at a place of a field, as behind the `wto` of `wtop`. */
static bool in_word(const uint16_t *keys, int64_t begin, int64_t end, int64_t at) {
    if (at < begin || at >= end) return false;
    return (keys[at] >= '0' && keys[at] <= '9') || (keys[at] >= 'a' && keys[at] <= 'z');
}

/* The terms of a field from left to right, the longest at each place, but those of ASCII that are a piece of a word. */
static int64_t find(const Terms *terms, const uint16_t *keys, int64_t begin, int64_t end, Place *found) {
    const uint8_t *roles = terms->roles, *begins = terms->begins;
    int64_t count = 0;
    for (int64_t at = begin; at < end;) {
        const uint32_t pair = pair_of(keys[at], at + 1 < end ? keys[at + 1] : 0);
        if (!((begins[pair >> 3] >> (pair & 7) & 1) | (roles[keys[at]] & ALONE))) {
            at++;
            continue;
        }
        Place best = {at, at + 1, -1};
        uint64_t state = ROOT;
        for (int64_t to = at; to < end && (state = next_state(terms, state, keys[to])); to++) {
            int32_t term = terms->ends[state];
            if (term < 0) continue;
            if (to > at && terms->ascii[term] &&
                (in_word(keys, begin, end, at - 1) || in_word(keys, begin, end, to + 1)))
                continue;
            best = (Place){at, to + 1, term};
        }
        if (best.term >= 0) found[count++] = best;
        at = best.end;
    }
    return count;
}

/* Places of terms in all fields, no more than characters. */
EXPORT int64_t tw_find(const Terms *terms, const uint16_t *keys, const int64_t *bounds, int64_t n_articles,
                       Place *found) {
    int64_t count = 0;
    for (int64_t field = 0; field < 2 * n_articles; field++)
        count += find(terms, keys, bounds[field], bounds[field + 1], found + count);
    return count;
}

/* What measuring needs between articles. */
typedef struct {
    Tally *tallies;
    Share *shares;
    int64_t *seen; /* number of the last article whose text has the term, from 1 */
} Scratch;

static bool make_scratch(Scratch *scratch, const Terms *terms) {
    scratch->tallies = malloc((size_t)max64(terms->n_groups, 1) * sizeof *scratch->tallies);
    scratch->shares = malloc((size_t)max64(terms->n_topics, 1) * sizeof *scratch->shares);
    scratch->seen = calloc((size_t)max64(terms->n_terms, 1), sizeof *scratch->seen);
    return scratch->tallies && scratch->shares && scratch->seen;
}

static void free_scratch(Scratch *scratch) {
    free(scratch->tallies);
    free(scratch->shares);
    free(scratch->seen);
}

/* A sentence with terms of topics: all that is counted of it. */
typedef struct {
    int64_t end, size, number, owners; /* `number` marks the topics that have it; 0: none yet */
    bool in_text, early;
} Sentence;

static void finish(const Terms *terms, const Sentence *sentence, Share *shares) {
    if (!sentence->number || !sentence->owners) return;
    for (int64_t topic = 0; topic < terms->n_topics; topic++) {
        Share *share = shares + topic;
        if (share->sentence != sentence->number) continue;
        for (int kind = 0; kind < (sentence->owners == 1 ? 2 : 1); kind++) {
            share->body[kind] += sentence->in_text ? sentence->size : 0;
            share->lead[kind] += sentence->in_text && sentence->early ? sentence->size : 0;
            share->title[kind] += !sentence->in_text;
        }
    }
}

/* Begin the sentence that `at` stands in; the marks that end it belong to it. */
static Sentence sentence_at(const Terms *terms, const uint16_t *keys, int64_t begin, int64_t end, int64_t at,
                            int64_t number, bool in_text) {
    int64_t start = at, stop = at;
    while (start > begin && !(terms->roles[keys[start - 1]] & ENDS)) start--;
    while (stop + 1 < end && !(terms->roles[keys[stop]] & ENDS)) stop++;
    return (Sentence){stop + 1, stop + 1 - start, number, 0, in_text, start - begin < terms->lead};
}

static inline int32_t whole(double value) { return (int32_t)rint(value * 4096); }

/* The term features of one article, in units of 1 / 4096. Square roots: the tenth mention says less than the second;
   unlike logarithms they are correctly rounded. */
static void measure(const Terms *terms, const uint16_t *keys, const int64_t *bounds, const Place *found, int64_t count,
                    int64_t article, Scratch *scratch, int32_t *columns) {
    const int64_t title = bounds[0], text = bounds[1], end = bounds[2], size = end - text - 1;
    Sentence sentence = {0};
    for (int64_t group = 0; group < terms->n_groups; group++) scratch->tallies[group] = (Tally){.window = -1};
    memset(scratch->shares, 0, (size_t)terms->n_topics * sizeof *scratch->shares);
    for (int64_t k = 0; k < count; k++) {
        const Place place = found[k];
        const bool in_text = place.start >= text;
        const int64_t at = place.start - (in_text ? text : title), window = at / terms->window;
        const bool first = in_text && scratch->seen[place.term] != article;
        if (first) scratch->seen[place.term] = article;
        if (!sentence.number || place.start >= sentence.end) {
            finish(terms, &sentence, scratch->shares);
            sentence = sentence_at(terms, keys, in_text ? text : title, in_text ? end : text, place.start,
                                   sentence.number + 1, in_text);
        }
        for (int32_t g = terms->group_at[place.term]; g < terms->group_at[place.term + 1]; g++) {
            const int32_t group = terms->groups[g], topic = terms->speaks[group];
            Tally *tally = scratch->tallies + group;
            if (in_text) {
                tally->count++;
                tally->lead += at < terms->lead;
                tally->kinds += first;
                tally->covered += window != tally->window;
                tally->window = window;
            } else tally->title++;
            if (topic >= 0 && scratch->shares[topic].sentence != sentence.number) {
                scratch->shares[topic].sentence = sentence.number;
                sentence.owners++;
            }
        }
    }
    finish(terms, &sentence, scratch->shares);
    const double length = (double)max64(size, 1), full = (double)size;
    for (int64_t group = 0; group < terms->n_groups; group++, columns += MEASURES) {
        const Tally *tally = scratch->tallies + group;
        memset(columns, 0, MEASURES * sizeof *columns);
        if (tally->title) columns[4] = whole(sqrt(fmin((double)tally->title, 4)));
        if (!tally->count) continue;
        columns[0] = whole(sqrt(fmin((double)tally->count, 25)) / 2);
        columns[1] = whole(sqrt(fmin((double)((int64_t)tally->count * 100) / fmax(length, 100), 9)));
        columns[2] = whole(sqrt(fmin((double)tally->kinds, 16)) / 2);
        columns[3] = whole(sqrt(fmin((double)tally->lead, 9)));
        columns[5] = whole(sqrt((double)(tally->covered * terms->window) / fmax(length, (double)(4 * terms->window))));
    }
    for (int64_t topic = 0; topic < terms->n_topics; topic++) {
        const Share *share = scratch->shares + topic;
        for (int kind = 0; kind < KINDS; kind++, columns += 3) {
            columns[0] = whole(sqrt(fmin((double)share->body[kind] / fmax(full, 100), 1)));
            columns[1] = whole(sqrt(fmin((double)share->lead[kind] / fmin(fmax(full, 100), (double)terms->lead + 50), 2)));
            columns[2] = share->title[kind] ? 4096 : 0;
        }
    }
    columns[0] = whole(sqrt(sqrt(fmin(length, 10000) / 100)));
}

static int64_t n_columns(const Terms *terms) { return MEASURES * terms->n_groups + 3 * KINDS * terms->n_topics + 1; }

/* The term features of all articles, shape (n_articles, n_columns), of the places that `tw_find` gave. */
EXPORT int64_t tw_tally(const Terms *terms, const uint16_t *keys, const int64_t *bounds, int64_t n_articles,
                          const Place *found, int64_t n_found, int32_t *columns) {
    Scratch scratch = {0};
    const bool ready = make_scratch(&scratch, terms);
    for (int64_t a = 0, at = 0; ready && a < n_articles; a++) {
        int64_t count = 0;
        while (at + count < n_found && found[at + count].start < bounds[2 * a + 2]) count++;
        measure(terms, keys, bounds + 2 * a, found + at, count, a + 1, &scratch, columns + a * n_columns(terms));
        at += count;
    }
    free_scratch(&scratch);
    return ready ? n_articles : NO_MEMORY;
}

/* Both together */

static double logistic(double logit) {
    if (logit >= 0) return 1 / (1 + exp(-logit));
    const double odds = exp(fmax(logit, -700.0));
    return odds / (1 + odds);
}

/* Probabilities (n_articles, n_topics), 0 where a text has no letter; places of terms as from `tw_find`: how many. */
EXPORT int64_t tw_score(const Pairs *pairs, const Terms *terms, const Linear *linear, const uint16_t *keys,
                        const int64_t *bounds, int64_t n_articles, Place *found, double *probabilities) {
    const int64_t topics = pairs->n_topics, wide = n_columns(terms);
    int64_t count = 0;
    int32_t *columns = malloc((size_t)wide * sizeof *columns);
    Scratch scratch = {0};
    Scale scale = {0};
    const bool ready = make_scale(&scale, pairs, bounds, n_articles) && make_scratch(&scratch, terms) && columns;
    int64_t *const sums = scale.sums;
    for (int64_t a = 0; ready && a < n_articles; a++, probabilities += topics) {
        const int64_t begin = bounds[2 * a], text = bounds[2 * a + 1], end = bounds[2 * a + 2];
        Place *here = found + count;
        int64_t places = find(terms, keys, begin, text, here);
        places += find(terms, keys, text, end, here + places);
        count += places;
        if (!has_letter(pairs, keys + text, end - text)) {
            memset(probabilities, 0, (size_t)topics * sizeof *probabilities);
            continue;
        }
        weigh(pairs, keys + begin, end - begin, &scale, probabilities);
        measure(terms, keys, bounds + 2 * a, here, places, a + 1, &scratch, columns);
        memset(sums, 0, (size_t)topics * sizeof *sums);
        for (int64_t column = 0; column < wide; column++)
            if (columns[column])
                for (int64_t k = 0; k < topics; k++)
                    sums[k] += (int64_t)columns[column] * linear->terms[column * topics + k];
        for (int64_t k = 0; k < topics; k++) {
            const double of_terms = (double)sums[k] * linear->unit;
            const double raw = linear->bias[k] + of_terms + linear->scale[k] * probabilities[k];
            probabilities[k] = logistic(linear->calibration[2 * k] * raw + linear->calibration[2 * k + 1]);
        }
    }
    free_scratch(&scratch);
    free_scale(&scale);
    free(columns);
    return ready ? count : NO_MEMORY;
}

/* Which places speak most for a topic in an article, each term where it stands first: for each of `wanted` (article,
   topic) up to `most` of (1 in the text or 0 in the title, start, end there), from left to right, and how many. */
EXPORT int64_t tw_evidence(const Place *found, int64_t n_found, const int64_t *bounds, const double *worth,
                           int64_t n_terms, const int64_t *wanted, int64_t n_wanted, int64_t most, Place *spans,
                           int64_t *counts) {
    for (int64_t w = 0; w < n_wanted; w++, spans += most) {
        const int64_t title = bounds[2 * wanted[2 * w]], text = bounds[2 * wanted[2 * w] + 1];
        const int64_t end = bounds[2 * wanted[2 * w] + 2];
        const double *worths = worth + wanted[2 * w + 1] * n_terms;
        int64_t low = 0, count = 0;
        for (int64_t high = n_found; low < high;) {
            int64_t middle = (low + high) / 2;
            if (found[middle].start < title) low = middle + 1;
            else high = middle;
        }
        for (int64_t k = low; k < n_found && found[k].start < end; k++) {
            const Place place = found[k];
            int64_t at = count;
            for (int64_t j = 0; j < count; j++)
                if (spans[j].term == place.term) at = -1;
            if (!(worths[place.term] > 0) || at < 0) continue;
            while (at && worths[spans[at - 1].term] < worths[place.term]) at--;
            if (at == most) continue;
            count = min64(count + 1, most);
            memmove(spans + at + 1, spans + at, (size_t)(count - at - 1) * sizeof *spans);
            spans[at] = place;
        }
        for (int64_t k = 1; k < count; k++) { /* from left to right */
            const Place place = spans[k];
            int64_t at = k;
            for (; at && spans[at - 1].start > place.start; at--) spans[at] = spans[at - 1];
            spans[at] = place;
        }
        for (int64_t k = 0; k < count; k++) {
            const bool in_text = spans[k].start >= text;
            const int64_t from = in_text ? text : title;
            spans[k] = (Place){in_text, spans[k].start - from, spans[k].end - from};
        }
        counts[w] = count;
    }
    return n_wanted;
}

EXPORT const int64_t tw_size_pairs = sizeof(Pairs);
EXPORT const int64_t tw_size_terms = sizeof(Terms);
EXPORT const int64_t tw_size_linear = sizeof(Linear);
EXPORT const int64_t tw_size_place = sizeof(Place);
