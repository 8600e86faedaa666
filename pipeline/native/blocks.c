/* Features of blocks: what `pipeline.ingest.blocks` and `pipeline.ingest.elements` say of each, in their order. */
#include "kernels.h"

enum { HAN, DIGIT, LATIN, SPACE, END, COMMA, QUOTE, BAR, BRACKET, CLASSES }; /* bits of a character's class */
enum { CLOSES = CLASSES, OPENS, MARKS };                                     /* and what it is at the edge of a line */
enum { HAS_HINTS = 1, INLINE = 2 };
enum { LEVELS = 4, DEEPEST = 40, FARTHEST = 8 };
static const int STEPS[] = {-2, -1, 1, 2}, REACHES[] = {1, 3, 8};
static const double HOME = 0.6; /* least share of the page's prose in the element that is the article's home */

typedef struct {
    uint64_t tag;                   /* a number for the name */
    int32_t own, over, words, what; /* bits of the name, of names that count for all inside, of the hints; what it is */
} Make;

typedef struct {
    const uint32_t *key, *page; /* the page text folded, and as it is: blocks tell how far */
    const uint16_t *classes;    /* class bits of each code point below `n_classes`; the last also of those above */
    int64_t n_classes;
    const uint8_t *scripts; /* `hant`, `hans` or something else, of each code point below 0x110000 */
    int64_t hant, hans;
    int64_t n_blocks;
    const int64_t *edges; /* start and end of each block, which is not empty */
    const uint64_t *found; /* rules that match it, as bits */
    uint64_t heads, furniture;
    const uint64_t *kinds; /* rules of each kind */
    int64_t n_kinds;
    /* Where there is HTML, else 0 elements. */
    const double *link_shares;
    const int32_t *here; /* element of each block */
    const uint8_t *hidden;
    const Element *elements; /* parents before their children */
    const Make *makes;
    int64_t n_elements, n_own, n_over, n_words; /* bits of each */
    float *features;                            /* shape (n_blocks, width) */
    int64_t width;
} Page;

/* What a block has by itself. */
typedef struct {
    double count[CLASSES], length, solid, prose, shared, again, hant, hans, near, soft, furniture, plain, headline;
    double log_length, log_prose;
    uint16_t first, last; /* classes of its edges */
    bool twin;
} Line;

static double clip(double value, double low, double high) { return value < low ? low : value > high ? high : value; }

static void count_characters(const Page *page, Line *lines) {
    for (int64_t i = 0; i < page->n_blocks; i++) {
        Line *line = lines + i;
        int64_t start = page->edges[2 * i], end = page->edges[2 * i + 1];
        int64_t count[CLASSES] = {0}, hant = 0, hans = 0;
        for (int64_t at = start; at < end; at++) {
            uint16_t class = page->classes[min64(page->key[at], page->n_classes - 1)];
            if (class & 1) count[HAN]++; /* most characters are nothing else */
            else
                for (int k = DIGIT; k < CLASSES; k++) count[k] += class >> k & 1;
            uint8_t script = page->scripts[min64(page->page[at], 0x10ffff)];
            hant += script == page->hant;
            hans += script == page->hans;
        }
        for (int k = 0; k < CLASSES; k++) line->count[k] = (double)count[k];
        line->hant = (double)hant, line->hans = (double)hans;
        line->first = page->classes[min64(page->key[start], page->n_classes - 1)];
        line->last = page->classes[min64(page->key[end - 1], page->n_classes - 1)];
        line->length = (double)(end - start);
        line->solid = fmax(line->length - line->count[SPACE], 1);
        /* Prose: sentence ends and commas, as far as Han characters carry them. A headline has none. */
        double told = fmin(line->count[END] + 0.5 * line->count[COMMA], line->count[HAN] / 12);
        line->prose = line->count[HAN] >= 16 ? told : 0;
        line->log_length = log1p(line->length) / 5;
        line->log_prose = log1p(line->prose);
        line->furniture = (page->found[i] & page->furniture) != 0;
        bool is_plain = line->prose == 0 && line->length <= 40;
        line->plain = is_plain;
        line->headline = is_plain && line->count[HAN] >= 7 && !(line->last >> CLOSES & 1) && !(line->last >> OPENS & 1);
    }
}

static uint32_t pair_of(const uint32_t *at) { return ((at[0] * 2654435761u) ^ (at[1] * 40503u)) >> 8 & 0xffff; }

/* The share of a block's pairs of characters that the page's prose has elsewhere. Pairs are hashed to 16 bits. */
static int64_t share_pairs(const Page *page, Line *lines) {
    uint32_t *counts = calloc(1 << 16, sizeof *counts);
    if (!counts) return NO_MEMORY;
    for (int64_t i = 0; i < page->n_blocks; i++)
        if (lines[i].prose > 0)
            for (int64_t at = page->edges[2 * i]; at < page->edges[2 * i + 1] - 1; at++)
                counts[pair_of(page->key + at)]++;
    for (int64_t i = 0; i < page->n_blocks; i++) {
        int64_t start = page->edges[2 * i], end = page->edges[2 * i + 1], seen = 0;
        uint32_t own = lines[i].prose > 0; /* the prose counts itself once less */
        for (int64_t at = start; at < end - 1; at++) seen += counts[pair_of(page->key + at)] > own;
        lines[i].shared = (double)seen / (double)max64(end - start - 1, 1);
    }
    free(counts);
    return 0;
}

/* How often the page has each line, and whether the one before or behind it is the same. */
static int64_t find_copies(const Page *page, Line *lines) {
    uint64_t size = 16;
    while ((int64_t)size < 2 * page->n_blocks) size *= 2;
    int64_t *first = malloc(size * sizeof *first), *name = malloc((size_t)page->n_blocks * sizeof *name);
    if (!first || !name) {
        free(first), free(name);
        return NO_MEMORY;
    }
    memset(first, 0xff, size * sizeof *first);
    for (int64_t i = 0; i < page->n_blocks; i++) {
        const uint32_t *line = page->key + page->edges[2 * i];
        int64_t length = page->edges[2 * i + 1] - page->edges[2 * i];
        uint64_t hash = 14695981039346656037u;
        for (int64_t k = 0; k < length; k++) hash = (hash ^ line[k]) * 1099511628211u;
        uint64_t at = mixed(hash) & (size - 1);
        for (; first[at] >= 0; at = (at + 1) & (size - 1)) {
            int64_t other = page->edges[2 * first[at]];
            if (page->edges[2 * first[at] + 1] - other == length &&
                !memcmp(page->key + other, line, (size_t)length * sizeof *line))
                break;
        }
        if (first[at] < 0) first[at] = i;
        name[i] = first[at];
        lines[name[i]].again++;
        if (i && name[i] == name[i - 1]) lines[i].twin = lines[i - 1].twin = true;
    }
    for (int64_t i = 0; i < page->n_blocks; i++) lines[i].again = lines[name[i]].again;
    free(first), free(name);
    return 0;
}

/* How lately a heading announced a list (related, hot, comments): 1 right behind it, halved every 8 blocks. A block of
 * prose breaks it off in `soft`, but not in `near`. */
static void find_sections(const Page *page, Line *lines) {
    double near = 0, soft = 0, decay = pow(0.5, 1.0 / 8);
    for (int64_t i = 0; i < page->n_blocks; i++) {
        if (page->found[i] & page->heads) {
            near = soft = 1;
        } else {
            near *= decay;
            soft = lines[i].prose >= 2 ? 0 : soft * decay;
        }
        lines[i].near = near, lines[i].soft = soft;
    }
}

/* The columns of the text. Returns how many there are. */
static int64_t describe_text(const Page *page, Line *lines, const double *prose, const double *plain,
                             const double *headline) {
    int64_t n = page->n_blocks, first = n, final = -1, column = 0;
    double whole = fmax(prose[n], 1e-9), furniture = 0, told = 0, hant = 0, hans = 0, so_far = 0;
    for (int64_t i = 0; i < n; i++) {
        if (lines[i].prose >= 2) {
            if (first == n) first = i;
            final = i;
        }
        furniture += lines[i].furniture;
        told += lines[i].prose > 0.5;
        /* The page's script is that of its first prose: a content farm hangs teasers in its own script under a text. */
        so_far += lines[i].prose;
        double weight = lines[i].prose / (1 + so_far / 20);
        hant += lines[i].hant * weight, hans += lines[i].hans * weight;
    }
    for (int64_t i = 0; i < n; i++) {
        Line *line = lines + i;
        const double *count = line->count;
        float *out = page->features + i * page->width;
        column = 0;
#define PUT(value) out[column++] = (float)(value)
        PUT(line->log_length);
        PUT(log1p(line->solid) / 5);
        PUT(log1p(count[END]));
        PUT(log1p(count[COMMA]));
        PUT(log1p(count[QUOTE]));
        PUT(count[BAR] / line->solid);
        PUT(count[BRACKET] / line->solid);
        PUT(count[DIGIT] / line->solid);
        PUT(count[LATIN] / line->solid);
        PUT(count[SPACE] / line->length);
        PUT(count[HAN] / line->solid);
        PUT(line->last >> CLOSES & 1);
        PUT(line->last >> OPENS & 1);
        PUT(line->first >> MARKS & 1);
        PUT(line->log_prose);
        PUT(line->shared);
        PUT(line->twin);
        PUT(fmin(line->again - 1, 4) / 4);
        PUT((double)i / (double)max64(n - 1, 1));
        PUT(prose[i] / whole);
        PUT(clip((double)(i - first) / 20, -2, 2));
        PUT(clip((double)(final - i) / 20, -2, 2));
        PUT(line->near);
        PUT(line->soft);
        PUT(log1p((double)n) / 6);
        PUT(log1p(whole) / 6);
        PUT(log1p(hant < hans ? line->hans : line->hant) / 3);
        PUT(log1p(hant < hans ? line->hant : line->hans) / 3);
        PUT(log1p(furniture) / 3);
        PUT(told / (double)n);
        for (size_t k = 0; k < sizeof STEPS / sizeof *STEPS; k++) {
            int64_t at = i + STEPS[k];
            const Line *beside = at >= 0 && at < n ? lines + at : NULL;
            PUT(beside ? beside->log_length : 0);
            PUT(beside ? beside->last >> CLOSES & 1 : 0);
            PUT(beside ? beside->log_prose : 0);
            PUT(beside ? beside->shared : 0);
            PUT(beside ? beside->furniture : 0);
        }
        for (size_t k = 0; k < sizeof REACHES / sizeof *REACHES; k++) {
            int64_t low = max64(i - REACHES[k], 0), high = min64(i + REACHES[k] + 1, n);
            PUT(log1p(prose[i] - prose[low]));
            PUT(log1p(prose[max64(high, i + 1)] - prose[i + 1]));
            PUT((plain[high] - plain[low]) / (double)(high - low));
            PUT((headline[high] - headline[low]) / (double)(high - low));
        }
        for (int64_t k = 0; k < page->n_kinds; k++) PUT((page->found[i] & page->kinds[k]) != 0);
    }
    return column;
}

/* What an element says of the blocks inside it. */
typedef struct {
    int32_t own, near, whole, over, depth;     /* words of the nearest hints, with those above; all; tags */
    int64_t home, branch, below;               /* the article's home, the outermost element that is not, depth below it */
    double solid, prose, linked;               /* inside it */
    float share, prose_share, links, blocks, told;
} Place;

static void find_places(const Page *page, const double *solid, const double *prose, const double *linked, Place *places) {
    int64_t n = page->n_blocks;
    double whole = fmax(prose[n], 1e-9);
    for (int64_t e = 0; e < page->n_elements; e++) {
        const Element *element = page->elements + e;
        const Make *make = page->makes + element->make;
        Place *place = places + e;
        static const Place TOP = {0};
        bool is_top = element->parent < 0;
        const Place *above = is_top ? &TOP : places + element->parent;
        place->over = above->over | make->over;
        place->depth = above->depth + 1;
        if (make->what & HAS_HINTS) {
            place->own = make->words;
            place->near = make->words | above->own;
            place->whole = above->whole | make->words;
        } else {
            place->own = above->own;
            place->near = above->near;
            place->whole = above->whole | above->own;
        }
        place->solid = solid[element->end] - solid[element->begin];
        place->prose = prose[element->end] - prose[element->begin];
        place->linked = linked[element->end] - linked[element->begin];
        place->share = (float)(place->solid / fmax(solid[n], 1));
        place->prose_share = (float)(place->prose / fmax(prose[n], 1));
        place->links = (float)(place->linked / fmax(place->solid, 1));
        place->blocks = (float)(log1p((double)(element->end - element->begin)) / 4);
        place->told = (float)(log1p(place->prose) / 4);
        if (place->prose >= HOME * whole) {
            place->home = place->branch = e;
            place->below = 0;
        } else if (is_top) {
            place->home = -1;
            place->branch = e;
            place->below = 1;
        } else {
            place->home = above->home;
            place->branch = above->below ? above->branch : e;
            place->below = above->below + 1;
        }
    }
}

/* What blocks of one kind have together. */
typedef struct {
    double prose, linked, solid, count;
} Together;

/* The columns of the markup, from `column` on. */
static int64_t describe_markup(const Page *page, const Line *lines, const double *solid, const double *prose,
                               const double *linked, int64_t column) {
    int64_t n = page->n_blocks, innermost = -2, error = NO_MEMORY, first = column;
    double whole = fmax(prose[n], 1e-9);
    Place *places = malloc((size_t)page->n_elements * sizeof *places);
    int32_t *names[2] = {malloc((size_t)n * sizeof *names[0]), malloc((size_t)n * sizeof *names[1])};
    Together *together[2] = {calloc((size_t)n, sizeof **together), calloc((size_t)n, sizeof **together)};
    Groups groups[2] = {{0}, {0}};
    if (!places || !names[0] || !names[1] || !together[0] || !together[1]) goto done;
    if (!make_groups(groups, n) || !make_groups(groups + 1, n)) goto done;
    find_places(page, solid, prose, linked, places);
    for (int64_t i = 0; i < n; i++) {
        const Element *element = page->elements + page->here[i];
        int64_t home = places[page->here[i]].home;
        if (home >= 0 && (innermost < 0 || page->elements[home].end - page->elements[home].begin <
                                               page->elements[innermost].end - page->elements[innermost].begin))
            innermost = home;
        /* Blocks are alike if their elements are of one make, and those round these too. */
        int64_t over = element->parent < 0 ? page->here[i] : element->parent;
        names[0][i] = group_of(groups, (uint64_t)element->make << 32 | (uint64_t)page->elements[over].make);
        /* They stand alike if their elements have the same name and parent; elements inside a line are none. */
        while (page->makes[element->make].what & INLINE && element->parent >= 0)
            element = page->elements + element->parent;
        uint64_t parent = (uint64_t)(element->parent + 1);
        names[1][i] = group_of(groups + 1, page->makes[element->make].tag ^ parent * 0x9e3779b97f4a7c15u);
        for (int k = 0; k < 2; k++) {
            Together *these = together[k] + names[k][i];
            these->prose += lines[i].prose;
            these->linked += lines[i].solid * page->link_shares[i];
            these->solid += lines[i].solid;
            these->count++;
        }
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t here = page->here[i];
        const Element *element = page->elements + here;
        const Place *place = places + here, *branch = places + place->branch;
        float *out = page->features + i * page->width;
        column = first;
        PUT(page->link_shares[i]);
        PUT(page->hidden[i]);
        for (int64_t k = 0; k < page->n_own; k++) PUT(page->makes[element->make].own >> k & 1);
        for (int64_t k = 0; k < page->n_over; k++) PUT(place->over >> k & 1);
        PUT((double)min64(place->depth, DEEPEST) / 20);
        for (int64_t k = 0; k < page->n_words; k++) PUT(place->near >> k & 1);
        for (int64_t k = 0; k < page->n_words; k++) PUT(place->whole >> k & 1);
        for (int64_t level = 0, at = here; level < LEVELS; level++) {
            PUT(places[at].share);
            PUT(places[at].prose_share);
            PUT(places[at].links);
            PUT(places[at].blocks);
            PUT(places[at].told);
            if (page->elements[at].parent >= 0) at = page->elements[at].parent;
        }
        bool under = place->below > 0;
        PUT(place->home == innermost);
        PUT((double)min64(place->below, FARTHEST) / 4);
        PUT(under ? branch->prose / whole : 0);
        PUT(under ? branch->linked / fmax(branch->solid, 1) : 0);
        PUT(under ? branch->blocks : 0);
        for (int k = 0; k < 2; k++) {
            const Together *these = together[k] + names[k][i];
            PUT(these->prose / whole);
            PUT(log1p(these->count) / 4);
            PUT(these->linked / fmax(these->solid, 1));
        }
    }
    error = column;
done:
    free(places);
    for (int k = 0; k < 2; k++) free(names[k]), free(together[k]), free_groups(groups + k);
    return error;
}

/* Returns how many columns were written, which is `width`, or an error. */
EXPORT int64_t tw_describe(const Page *page) {
    int64_t n = page->n_blocks, column = NO_MEMORY;
    Line *lines = calloc((size_t)n + 1, sizeof *lines);
    double *sums = calloc(5 * ((size_t)n + 1), sizeof *sums);
    if (!lines || !sums) goto done;
    count_characters(page, lines);
    if (share_pairs(page, lines) || find_copies(page, lines)) goto done;
    find_sections(page, lines);
    double *prose = sums, *plain = prose + n + 1, *headline = plain + n + 1, *solid = headline + n + 1;
    double *linked = solid + n + 1;
    for (int64_t i = 0; i < n; i++) {
        prose[i + 1] = prose[i] + lines[i].prose;
        plain[i + 1] = plain[i] + lines[i].plain;
        headline[i + 1] = headline[i] + lines[i].headline;
        solid[i + 1] = solid[i] + lines[i].solid;
        linked[i + 1] = linked[i] + (page->n_elements ? lines[i].solid * page->link_shares[i] : 0);
    }
    column = describe_text(page, lines, prose, plain, headline);
    bool html = page->n_elements > 0;
    for (int64_t i = 0; i < n; i++) page->features[i * page->width + column] = html;
    column++;
    if (html) column = describe_markup(page, lines, solid, prose, linked, column);
done:
    free(lines);
    free(sums);
    return column;
}

/* For a test that ctypes has the same. */
EXPORT const int64_t tw_size_page = sizeof(Page);
EXPORT const int64_t tw_size_make = sizeof(Make);
