/* What spans have of search phrases: the full look. See `pipeline.ingest.evidence`. */
#include "splices.h"

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
#define SPLIT(i) ((i) > 0 && (i) < n && KIND((i) - 1) & LETTER && KIND(i) & DIGIT)
    for (int64_t start = 0; start < n; start++) {
        if (!(KIND(start) & WORD) || best_left(reading, start) <= bounds->left || SPLIT(start)) continue;
        for (int64_t end = start + 1; end < n && end - start <= bounds->longest; end++) {
            if (!(KIND(end - 1) & WORD)) break;
            if (end - start < bounds->shortest || best_right(reading, end) <= bounds->right || SPLIT(end)) continue;
            found->start[fit] = (int32_t)start, found->end[fit++] = (int32_t)end;
        }
    }
    for (int64_t i = 0; i < fit; i++) {
        if (i + AHEAD < fit) ask_for_right(language, reading, found->start[i + AHEAD], found->end[i + AHEAD]);
        int32_t start = found->start[i], end = found->end[i];
        float left = left_of(reading, start, end), right = right_of(language, reading, start, end);
        if (left + right <= bounds->both) continue;
        seams[count] = left + right;
        found->start[count] = start, found->end[count] = end;
        found->left[count] = left, found->right[count++] = right;
    }
    int64_t most = bounds->most * n;
    if (count > most) {
        float least = nth(seams, count, count - most);
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
    for (int64_t i = 0; i < count; i++) {
        int64_t start = found->start[i], end = found->end[i], length = end - start;
        float left = found->left[i], right = found->right[i];
        double told = shape->first[x[start + 1]];
        for (int64_t at = start + 1; at < end; at++) told += shape_of(shape, x, at);
        float shaped = (float)told;
        int64_t foreign = foreign_in(text, start, end);
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

/* Whether the same letter stands at two places. Marks are never the same: a string between them is whole. */
static bool is_same(const Text *text, int64_t a, int64_t b) {
    return a >= 0 && b >= 0 && text->key[a] == text->key[b] && KIND(a) & ALPHANUMERIC;
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
            int64_t a = keyed[i].row, x = found->start[a] - 1, y = found->end[a];
            bool before = true, after = true;
            for (int64_t k = first; k < i && (before || after); k++) {
                int64_t b = keyed[k].row;
                before &= !is_same(text, x, found->start[b] - 1);
                after &= !is_same(text, y, found->end[b]);
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

/* For a test that ctypes has the same. */
EXPORT const int64_t tw_size_bounds = sizeof(Bounds);
EXPORT const int64_t tw_size_candidates = sizeof(Candidates);
