/* What strings have of pieces that are dealt out in a cycle. See `pipeline.ingest.pieces`. */
#include "splices.h"

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

/* Of the strings those that come again stay, and some that share a hash with another. */
static int64_t find_again(const Prints *prints, Joints *found, int64_t count) {
    int bits = 12;
    while (bits < 22 && (int64_t)1 << bits < 4 * count) bits++;
    uint8_t *seen = calloc((size_t)1 << bits, 1);
    if (!seen) return NO_MEMORY;
    int64_t kept = 0;
#define SEEN(i) (mixed(print_of(prints, found->start[i], found->end[i])) >> (64 - bits))
    for (int64_t i = 0; i < count; i++) {
        uint8_t *times = seen + SEEN(i);
        *times += *times < 2;
    }
    for (int64_t i = 0; i < count; i++) {
        if (seen[SEEN(i)] < 2) continue;
        found->start[kept] = found->start[i], found->end[kept++] = found->end[i];
    }
    free(seen);
    return kept;
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
    float *left = malloc(((size_t)n + 1) * 2 * sizeof *left), *right = left + n + 1; /* of a span, at best */
    Edge *edges = malloc(room * sizeof *edges);
    Prints prints = {0};
    if (!pairs || !recurs || !starts || !edges || !left) goto failed;
    if (!make_prints(&prints, text->key, n) || count_pairs(text->key, n, pairs)) goto failed;
    for (int64_t i = 0; i <= n; i++) {
        left[i] = i < n ? best_left(reading, i) : 0;
        right[i] = best_right(reading, i);
    }
    int64_t open = 0;
    for (int64_t i = 0; i + 1 < n; i++) {
        recurs[i] = KIND(i) & ALPHANUMERIC && KIND(i + 1) & ALPHANUMERIC && pairs[i] > 1;
        if (recurs[i]) starts[open++] = (int32_t)i;
    }
    for (int64_t length = shortest; length <= longest; length++) {
        int64_t still = 0;
        for (int64_t i = 0; i < open; i++) {
            int64_t start = starts[i], end = start + length;
            if (weigh(weights, left[start], right[end]) > least) {
                found->start[count] = (int32_t)start, found->end[count++] = (int32_t)end;
            }
            if (recurs[end - 1]) starts[still++] = (int32_t)start;
        }
        open = still;
    }
    if ((count = find_again(&prints, found, count)) < 0) goto failed;
    if ((names = name_spans(&prints, found->start, found->end, count, found->name)) < 0) goto failed;
    times = calloc((size_t)names + 1, sizeof *times), longer = calloc((size_t)names + 1, 1);
    if (!times || !longer) goto failed;
    for (int64_t i = 0; i < count; i++) times[found->name[i]]++;
    for (int64_t i = 0; i < count; i++) {
        int64_t start = found->start[i], end = found->end[i], next = min64(i + AHEAD, count - 1);
        if (times[found->name[next]] > 1) ask_for_right(language, reading, found->start[next], found->end[next]);
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
    free(pairs), free(times), free(recurs), free(longer), free(starts), free(edges), free(left), free(prints.sums);
    return kept;
}

/* Nats that a cycle costs and gains: see `pipeline.ingest.pieces`. */
typedef struct {
    double skip, missed, next, name, far_cost;
    int64_t far, longest;
} Costs;

/* The best place of a string in a turn of the cycle. */
typedef struct {
    int32_t name, turn, row;
    float value;
} Spot;

static int by_spot(const void *a, const void *b) {
    const Spot *x = a, *y = b;
    if (x->name != y->name) return x->name < y->name ? -1 : 1;
    if (x->turn != y->turn) return x->turn < y->turn ? -1 : 1;
    if (x->value != y->value) return x->value > y->value ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static int by_number(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A string that may be of the cycle, with its spots. */
typedef struct {
    double score, middle;
    int32_t name;
    int64_t low, high;
} Member;

static int by_score(const void *a, const void *b) {
    const Member *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    if (x->middle != y->middle) return x->middle > y->middle ? -1 : 1;
    return (x->name < y->name) - (x->name > y->name);
}

static int by_phase(const void *a, const void *b) {
    const Member *x = a, *y = b;
    if (x->middle != y->middle) return x->middle < y->middle ? -1 : 1;
    return (x->name > y->name) - (x->name < y->name);
}

/* The cycle that `anchor` begins: the strings that come once between its occurrences, by their phase. The joints are
 * sorted by their ends. `cycle` has room for all names. Returns its length, 0 where the anchor does not come again. */
EXPORT int64_t tw_order(const Joints *joints, int64_t count, int64_t size, int32_t anchor, const Costs *costs,
                        int32_t *cycle) {
    int64_t turns = 0, last = -1, kept = 0, members = 0, length = NO_MEMORY;
    size_t room = (size_t)count + 2;
    int32_t *begin = malloc(room * sizeof *begin), *stop = malloc(room * sizeof *stop);
    double *numbers = malloc(room * sizeof *numbers);
    Spot *spots = malloc(room * sizeof *spots);
    Member *all = malloc(room * sizeof *all);
    uint8_t *used = calloc((size_t)size + 1, 1);
    if (!begin || !stop || !numbers || !spots || !all || !used) goto done;
    length = 0;
    int32_t from = -1; /* where the turn begins that is open */
    for (int64_t i = 0; i < count; i++) {
        if (joints->name[i] != anchor) continue;
        if (last < 0 || joints->start[i] >= joints->end[last]) {
            if (from >= 0) begin[turns] = from, stop[turns++] = joints->start[i];
            from = joints->end[i];
        }
        last = i;
    }
    if (!turns) goto done;
    for (int64_t i = 0; i < turns; i++) numbers[i] = stop[i] - begin[i];
    qsort(numbers, (size_t)turns, sizeof *numbers, by_number);
    double longest = 1.6 * numbers[(turns - 1) / 2] + 10;
    for (int64_t i = 0; i < turns; i++)
        if (stop[i] - begin[i] <= longest) begin[kept] = begin[i], stop[kept++] = stop[i];
    turns = kept, kept = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t low = 0, high = turns; /* the last turn that begins before it */
        while (low < high) {
            int64_t middle = (low + high) / 2;
            if (begin[middle] <= joints->start[i]) low = middle + 1;
            else high = middle;
        }
        if (low && joints->end[i] <= stop[low - 1])
            spots[kept++] = (Spot){joints->name[i], (int32_t)(low - 1), (int32_t)i, joints->value[i]};
    }
    cycle[length++] = anchor;
    qsort(spots, (size_t)kept, sizeof *spots, by_spot);
    for (int64_t low = 0, high; low < kept; low = high) {
        int64_t best = low, near = 0; /* the best spot of each turn moves to the front */
        for (high = low; high < kept && spots[high].name == spots[low].name; high++)
            if (high == low || spots[high].turn != spots[high - 1].turn) spots[best++] = spots[high];
        if ((best - low) * 3 < turns) continue;
#define PHASE(spot) ((double)(joints->start[(spot).row] - begin[(spot).turn]) / (double)max64(1, stop[(spot).turn] - begin[(spot).turn]))
        for (int64_t i = low; i < best; i++) numbers[i - low] = PHASE(spots[i]);
        qsort(numbers, (size_t)(best - low), sizeof *numbers, by_number);
        double middle = numbers[(best - low) / 2], score = 0;
        for (int64_t i = low; i < best; i++)
            if (fabs(PHASE(spots[i]) - middle) < 0.25) near++, score += spots[i].value;
        if (near * 3 < turns) continue;
        score += costs->next * (double)near - costs->missed * (double)(turns - near);
        all[members++] = (Member){score, middle, spots[low].name, low, best};
    }
    qsort(all, (size_t)members, sizeof *all, by_score);
    int64_t taken = 0;
    for (int64_t i = 0; i < members; i++) {
        int64_t overlaps = 0;
        for (int64_t k = all[i].low; k < all[i].high; k++) {
            bool overlap = false;
            for (int32_t at = joints->start[spots[k].row]; at < joints->end[spots[k].row]; at++) overlap |= used[at];
            overlaps += overlap;
        }
        if (all[i].score <= (turns > 1 ? costs->name : 0) || overlaps * 2 > all[i].high - all[i].low) continue;
        for (int64_t k = all[i].low; k < all[i].high; k++)
            memset(used + joints->start[spots[k].row], 1, (size_t)(joints->end[spots[k].row] - joints->start[spots[k].row]));
        all[taken++] = all[i];
    }
    qsort(all, (size_t)taken, sizeof *all, by_phase);
    for (int64_t i = 0; i < taken; i++) cycle[length++] = all[i].name;
done:
    free(begin), free(stop), free(numbers), free(spots), free(all), free(used);
    return length;
}

typedef struct {
    int32_t row, turn, back;
    double best;
} Step;

/* The best way through the text that takes the cycle's pieces in their order, and its value. What comes from far costs by
 * its distance alone, so of those the best of each place in the cycle will do. `rows` and `places` have room for `count`
 * times `size`; returns how many steps the way has. */
EXPORT int64_t tw_path(const Joints *joints, int64_t count, const int32_t *cycle, int64_t size, const Costs *costs,
                       int32_t *rows, int32_t *places, double *total) {
    int64_t steps = 0, gone = 0, reached = 0, length = NO_MEMORY;
    Step *all = malloc(((size_t)(count * size) + 1) * sizeof *all);
    double *far = malloc(((size_t)size + 1) * sizeof *far);
    int32_t *source = malloc(((size_t)size + 1) * 2 * sizeof *source), *order = source + size + 1;
    if (!all || !far || !source) goto done;
    memset(source, 0xff, ((size_t)size + 1) * sizeof *source);
    length = 0;
    *total = 0;
    for (int64_t i = 0; i < count; i++) {
        int32_t start = joints->start[i], end = joints->end[i];
        for (int64_t turn = 0; turn < size; turn++) {
            if (cycle[turn] != joints->name[i]) continue;
            while (gone < steps && joints->end[all[gone].row] <= end - costs->longest - costs->far) {
                Step *step = all + gone;
                double value = step->best + costs->far_cost * joints->end[step->row];
                if (source[step->turn] < 0) order[reached++] = step->turn;
                if (source[step->turn] < 0 || value > far[step->turn]) far[step->turn] = value, source[step->turn] = (int32_t)gone;
                gone++;
            }
            double came = 0;
            int32_t from = -1;
            for (int64_t k = 0; k < reached; k++) {
                int64_t missed = ((turn - order[k] - 1) % size + size) % size;
                double value = far[order[k]] - (costs->skip * (double)missed + costs->far_cost * (double)(start - costs->far) -
                                                (missed ? 0.0 : costs->next));
                if (value > came) came = value, from = source[order[k]];
            }
            for (int64_t k = gone; k < steps && joints->end[all[k].row] <= start; k++) {
                int64_t missed = ((turn - all[k].turn - 1) % size + size) % size, gap = start - joints->end[all[k].row] - costs->far;
                double value = all[k].best - costs->skip * (double)missed + (missed ? 0.0 : costs->next);
                if (gap > 0) value -= (double)gap * costs->far_cost;
                if (value > came) came = value, from = (int32_t)k;
            }
            all[steps++] = (Step){(int32_t)i, (int32_t)turn, from, joints->value[i] + came};
        }
    }
    if (!steps) goto done;
    int64_t at = 0;
    for (int64_t i = 1; i < steps; i++)
        if (all[i].best > all[at].best) at = i;
    *total = all[at].best;
    for (int64_t i = at; i >= 0; i = all[i].back) length++;
    for (int64_t i = at, k = length; i >= 0; i = all[i].back) rows[--k] = all[i].row, places[k] = all[i].turn;
done:
    free(all), free(far), free(source);
    return length;
}

/* For a test that ctypes has the same. */
EXPORT const int64_t tw_size_weights = sizeof(Weights);
EXPORT const int64_t tw_size_joints = sizeof(Joints);
EXPORT const int64_t tw_size_costs = sizeof(Costs);
