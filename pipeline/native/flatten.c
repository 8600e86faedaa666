/* The walk through a page: what its elements show becomes lines of text, each a block with its element.
 *
 * The tree is read as the HTML parser writes it out: every element closed, attributes quoted, no markup in text. That
 * takes the parser 0.5 ms for a page of 94 kB, against 3.5 ms for asking it for each node from Python.
 */
#include "kernels.h"

/* Elements by how they show (WHATWG rendering section 15.3). What is in no list runs on in its line. */
enum { UNSEEN = 1, BREAKS = 2, VOID = 4, RAW = 8, LINK = 16, KEEPS = 32, NOSCRIPT = 64 };

static const struct {
    const char *names;
    uint8_t what;
} LISTS[] = {
    {"script style template noscript svg math iframe object embed applet audio video canvas map select datalist option "
     "optgroup input textarea head title meta link base frameset noframes", UNSEEN},
    {"address article aside blockquote body br button caption center dd details dialog dir div dl dt fieldset "
     "figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li listing main menu nav ol p pre "
     "search section summary table tbody td tfoot th thead tr ul", BREAKS},
    {"area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr", VOID},
    {"script style xmp iframe noembed noframes plaintext", RAW},
    {"a", LINK},
    {"pre", KEEPS},
    {"noscript", NOSCRIPT},
};

enum { NAMES = 1024, LONGEST_NAME = 12 };
static struct {
    char name[LONGEST_NAME + 4];
    uint8_t size, what;
} known[NAMES];

static uint32_t name_slot(const char *name, int64_t size) {
    uint32_t hash = 2166136261u;
    for (int64_t i = 0; i < size; i++) hash = (hash ^ (uint8_t)name[i]) * 16777619u;
    hash = (hash ^ hash >> 15) % NAMES;
    while (known[hash].size && !(known[hash].size == size && !memcmp(known[hash].name, name, (size_t)size)))
        hash = (hash + 1) % NAMES;
    return hash;
}

__attribute__((constructor)) static void learn_names(void) {
    for (size_t list = 0; list < sizeof LISTS / sizeof *LISTS; list++)
        for (const char *name = LISTS[list].names; *name;) {
            size_t size = strcspn(name, " ");
            uint32_t slot = name_slot(name, (int64_t)size);
            memcpy(known[slot].name, name, size);
            known[slot].size = (uint8_t)size;
            known[slot].what |= LISTS[list].what;
            name += size + (name[size] == ' ');
        }
}

static uint8_t what_is(const char *name, int64_t size) {
    return size && size <= LONGEST_NAME ? known[name_slot(name, size)].what : 0;
}

typedef struct {
    int32_t start, end, element, linked; /* `linked`: characters inside links, white space round them not counted */
} Line;

typedef struct {
    int32_t start, end, hidden, style_size;
    int64_t style;
} Inner;

typedef struct {
    const char *html;  /* the tree as the parser writes it */
    int64_t size;      /* of it, in bytes */
    const char *mark;  /* attribute that tells what a site file says of an element, a number; or "" */
    int64_t most;      /* lines */
    int32_t noscript;  /* whether what is inside `noscript` shows */
    int32_t prose;     /* characters of a line whose inner elements are told of */
    int32_t hint_most; /* code points of an element's hints */
    /* What comes out. */
    uint32_t *text;    /* room for `size` */
    Line *lines;       /* room for `size` / 2 + 2 */
    Element *elements; /* room for the number of "<" + 1: those that show text, parents before their children */
    Inner *inner;      /* the same room: elements inside lines of prose, by their ends */
    char *told;        /* room for `size` + 2 * the number of "<": name and hints of each make, each with a NUL */
    char *said;        /* the same room: what the page says of itself, see `note` */
    int64_t text_size, n_lines, n_elements, n_inner, told_size, said_size, n_makes;
} Walk;

/* An element on the way through the tree. It becomes one of `elements` when it shows text. */
typedef struct {
    const char *name, *attributes;
    int32_t name_size, attributes_size;
    int64_t parent, begin, end, number;
    int64_t at, place, line; /* pieces and characters before it in its line, and the line's own start */
    int32_t forced;
    uint8_t what, before; /* what it is; what the child before the next one is */
    bool linked, keeps;
} Open;

enum { OTHER_NODE, LINK_NODE };

typedef struct {
    int64_t element, at, from, to; /* pieces before it, characters of the line where it begins and ends */
} Within;

/* Elements of one name with the same hints are of one make. */
typedef struct {
    int64_t start, size; /* of what is told of it */
    uint64_t hash;
    int32_t number; /* -1: none */
} Make;

typedef struct {
    Walk *walk;
    Make *makes; /* a hash table */
    uint64_t n_slots;
    Open *open;
    int64_t n_open, size_open;
    Within *within;
    int64_t n_within, size_within;
    int64_t line, used;  /* where the line begins, and how many characters it has so far */
    int64_t pieces, linked, owner;
} State;

static bool room(void **items, int64_t *size, int64_t count, size_t each) {
    if (count < *size) return true;
    int64_t more = *size ? 2 * *size : 256;
    void *moved = realloc(*items, (size_t)more * each);
    if (!moved) return false;
    *items = moved;
    *size = more;
    return true;
}

/* Attributes as the parser writes them: ` name="value"`. Returns the next one, or false at the end. */
typedef struct {
    const char *name, *value;
    int32_t name_size, value_size;
} Attribute;

static bool next_attribute(const char **at, const char *end, Attribute *found) {
    const char *p = *at;
    while (p < end && *p == ' ') p++;
    if (p >= end) return false;
    found->name = p++;
    while (p < end && *p != '=' && *p != ' ' && *p != '>') p++;
    found->name_size = (int32_t)(p - found->name);
    found->value = p;
    found->value_size = 0;
    if (p + 1 < end && p[0] == '=' && p[1] == '"') {
        found->value = p + 2;
        const char *close = memchr(found->value, '"', (size_t)(end - found->value));
        if (!close) close = end;
        found->value_size = (int32_t)(close - found->value);
        p = close < end ? close + 1 : end;
    }
    *at = p;
    return true;
}

static bool is_named(const Attribute *attribute, const char *name) {
    size_t size = strlen(name);
    return (size_t)attribute->name_size == size && !memcmp(attribute->name, name, size);
}

static bool has(const Open *open, const char *name, Attribute *found) {
    const char *at = open->attributes, *end = at + open->attributes_size;
    while (next_attribute(&at, end, found))
        if (is_named(found, name)) return true;
    return false;
}

/* One character of text, behind which `at` moves: markup is written `&amp;`, `&lt;`, `&gt;`, `&nbsp;`. */
static inline uint32_t next_character(const char **at, const char *end, bool escaped) {
    const uint8_t *p = (const uint8_t *)*at;
    if (*p < 0x80 && *p != '&') {
        ++*at;
        return *p;
    }
    if (*p >= 0xe0 && *p < 0xf0 && end - *at > 2) { /* nearly all that is Chinese */
        *at += 3;
        return (*p & 0xfu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    }
    if (escaped && *p == '&') {
        static const struct {
            const char *told;
            uint32_t character;
        } ESCAPES[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&nbsp;", 0xa0}, {"&quot;", '"'}};
        for (size_t i = 0; i < sizeof ESCAPES / sizeof *ESCAPES; i++) {
            size_t size = strlen(ESCAPES[i].told);
            if ((size_t)(end - *at) >= size && !memcmp(*at, ESCAPES[i].told, size)) {
                *at += size;
                return ESCAPES[i].character;
            }
        }
    }
    int more = *p < 0x80 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;
    if (end - *at <= more) {
        *at = end;
        return 0xfffd;
    }
    uint32_t c = more == 0 ? *p : more == 1 ? *p & 0x1fu : more == 2 ? *p & 0xfu : *p & 7u;
    for (int i = 1; i <= more; i++) c = c << 6 | (p[i] & 0x3fu);
    *at += more + 1;
    return c;
}

/* The value without its escapes goes to `told`, up to `most` code points. */
static int32_t tell(char *told, int64_t *told_size, const char *value, int64_t size, int32_t most) {
    const char *end = value + size;
    int32_t count = 0;
    for (; value < end && count < most; count++) {
        const char *from = value;
        uint32_t c = next_character(&value, end, true);
        if (*from == '&' && value - from > 1) {
            if (c == 0xa0) told[(*told_size)++] = (char)0xc2;
            told[(*told_size)++] = (char)c;
        } else {
            memcpy(told + *told_size, from, (size_t)(value - from));
            *told_size += value - from;
        }
    }
    return count;
}

static Make *slot_of(const State *state, uint64_t hash) { return state->makes + ((hash ^ hash >> 29) & (state->n_slots - 1)); }

static Make *next_slot(const State *state, Make *make) {
    return make + 1 < state->makes + state->n_slots ? make + 1 : state->makes;
}

static bool more_slots(State *state) {
    Make *old = state->makes, *end = old + state->n_slots;
    state->n_slots = old ? 2 * state->n_slots : 256;
    state->makes = malloc(state->n_slots * sizeof *state->makes);
    if (!state->makes) {
        free(old);
        return false;
    }
    for (uint64_t i = 0; i < state->n_slots; i++) state->makes[i].number = -1;
    for (Make *make = old; make < end; make++) {
        if (make->number < 0) continue;
        Make *to = slot_of(state, make->hash);
        while (to->number >= 0) to = next_slot(state, to);
        *to = *make;
    }
    free(old);
    return true;
}

/* The number of what is told from `start` on; told before, it is not told again. */
static int32_t make_of(State *state, int64_t start) {
    Walk *walk = state->walk;
    if (2 * (uint64_t)walk->n_makes >= state->n_slots && !more_slots(state)) return NO_MEMORY;
    int64_t size = walk->told_size - start;
    uint64_t hash = 14695981039346656037u;
    for (int64_t i = 0; i < size; i++) hash = (hash ^ (uint8_t)walk->told[start + i]) * 1099511628211u;
    Make *make = slot_of(state, hash);
    while (make->number >= 0 &&
           !(make->hash == hash && make->size == size && !memcmp(walk->told + make->start, walk->told + start, (size_t)size)))
        make = next_slot(state, make);
    if (make->number < 0) *make = (Make){start, size, hash, (int32_t)walk->n_makes++};
    else walk->told_size = start;
    return make->number;
}

/* The number of an element that shows text, made now with those of its ancestors if it shows text for the first time. */
static int64_t shown(State *state, int64_t at) {
    Walk *walk = state->walk;
    Open *open = state->open + at;
    if (open->number >= 0) return open->number;
    /* Ancestors first: their chain is turned round by way of their `place` in no line. */
    int64_t chain = -1, next = at;
    while (next >= 0 && state->open[next].number < 0) {
        state->open[next].number = -2 - chain; /* the one below it, for the way back */
        chain = next;
        next = state->open[next].parent;
    }
    int64_t parent = next >= 0 ? state->open[next].number : -1;
    while (chain >= 0) {
        open = state->open + chain;
        int64_t below = -2 - open->number;
        Element *element = walk->elements + walk->n_elements;
        *element = (Element){.parent = (int32_t)parent, .begin = (int32_t)open->begin, .end = (int32_t)open->end,
                             .mark = open->forced};
        int64_t start = walk->told_size;
        memcpy(walk->told + walk->told_size, open->name, (size_t)open->name_size);
        walk->told_size += open->name_size;
        walk->told[walk->told_size++] = 0;
        static const char *const HINTS[] = {"class", "id", "role", "itemprop"};
        Attribute found;
        int32_t count = 0;
        if (open->attributes_size)
            for (size_t i = 0; i < sizeof HINTS / sizeof *HINTS; i++)
                if (has(open, HINTS[i], &found) && found.value_size && count < walk->hint_most) {
                    if (count) walk->told[walk->told_size++] = ' ', count++;
                    count += tell(walk->told, &walk->told_size, found.value, found.value_size, walk->hint_most - count);
                }
        walk->told[walk->told_size++] = 0;
        element->make = make_of(state, start);
        if (element->make < 0) return NO_MEMORY;
        element->hidden = open->attributes_size && has(open, "hidden", &found);
        if (open->attributes_size && has(open, "style", &found) && found.value_size) {
            element->style = found.value - walk->html;
            element->style_size = found.value_size;
        }
        parent = open->number = walk->n_elements++;
        chain = below;
    }
    return parent;
}

static int64_t finish(State *state) {
    Walk *walk = state->walk;
    uint32_t *line = walk->text + state->line;
    int64_t from = 0, to = state->used;
    while (to > 0 && is_space(line[to - 1])) to--;
    while (from < to && is_space(line[from])) from++;
    int64_t size = to - from;
    if (size >= walk->prose && 2 * state->linked < size)
        for (int64_t i = 0; i < state->n_within; i++) {
            Within *within = state->within + i;
            int64_t low = within->from, high = min64(within->to, to);
            while (low < high && line[low] == ' ') low++;
            while (high > low && line[high - 1] == ' ') high--;
            if (low <= from || high <= low || high >= to) continue;
            Inner *inner = walk->inner + walk->n_inner++;
            *inner = (Inner){(int32_t)(state->line + low - from), (int32_t)(state->line + high - from), 0, 0, 0};
            Open *open = state->open + within->element;
            Attribute found;
            inner->hidden = has(open, "hidden", &found);
            if (has(open, "style", &found) && found.value_size) {
                inner->style = found.value - walk->html;
                inner->style_size = found.value_size;
            }
        }
    if (size && state->owner >= 0) {
        if (from) memmove(line, line + from, (size_t)size * sizeof *line);
        line[size] = '\n';
        int64_t element = shown(state, state->owner);
        if (element < 0) return NO_MEMORY;
        walk->lines[walk->n_lines++] =
            (Line){(int32_t)state->line, (int32_t)(state->line + size), (int32_t)element, (int32_t)state->linked};
        state->line += size + 1;
        if (walk->n_lines > walk->most) return TOO_MANY;
    }
    state->used = state->pieces = state->linked = state->n_within = 0;
    state->owner = -1;
    return 0;
}

/* A text goes behind the line, each run of white space (HTML's, not Unicode's) as one space. */
static int64_t add_text(State *state, int64_t at, const char *text, const char *end, bool escaped) {
    Walk *walk = state->walk;
    Open *open = state->open + at;
    int64_t first = -1, last = -1, count = 0;
    for (const char *p = text; p < end; count++)
        if (!is_space(next_character(&p, end, escaped))) {
            if (first < 0) first = count;
            if (!open->linked) break; /* all that has to be known is whether it says something */
            last = count;
        }
    bool says = first >= 0;
    if (text >= end || (!state->pieces && !says)) return 0;
    if (says) {
        if (state->owner < 0) state->owner = at; /* the innermost element names the line */
        if (open->linked) state->linked += last - first + 1;
    }
    state->pieces++;
    while (text < end) {
        uint32_t c = next_character(&text, end, escaped);
        if (c == '\n' && open->keeps) {
            int64_t error = finish(state);
            if (error) return error;
            state->owner = at;
            state->pieces++;
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
            if (state->used && walk->text[state->line + state->used - 1] != ' ')
                walk->text[state->line + state->used++] = ' ';
        } else {
            walk->text[state->line + state->used++] = c;
        }
    }
    return 0;
}

static const char *find_close(const char *from, const char *end, const char *name, int64_t size, bool last) {
    const char *found = end;
    for (const char *p = from; p < end && (p = memchr(p, '<', (size_t)(end - p))); p++)
        if (end - p > size + 2 && p[1] == '/' && !memcmp(p + 2, name, (size_t)size) && p[size + 2] == '>') {
            found = p;
            if (!last) break;
        }
    return found;
}

/* Where the tag whose attributes begin at `p` ends: at its ">", which may stand inside the quotes of a value too. */
static const char *tag_end(const char *p, const char *end) {
    Attribute passed;
    while (p < end && *p != '>') {
        if (*p != ' ') return memchr(p, '>', (size_t)(end - p));
        if (p + 1 < end && p[1] != '>') next_attribute(&p, end, &passed);
        else p++;
    }
    return p;
}

static bool is_tag(const char *name, int64_t size, const char *wanted) {
    return (size_t)size == strlen(wanted) && !memcmp(name, wanted, (size_t)size);
}

static void say(Walk *walk, char what, const Attribute *name, const char *value, int64_t size, bool escaped) {
    walk->said[walk->said_size++] = what;
    if (name) tell(walk->said, &walk->said_size, name->value, name->value_size, INT32_MAX);
    walk->said[walk->said_size++] = 0;
    if (escaped) {
        tell(walk->said, &walk->said_size, value, size, INT32_MAX);
    } else {
        memcpy(walk->said + walk->said_size, value, (size_t)size);
        walk->said_size += size;
    }
    walk->said[walk->said_size++] = 0;
}

/* What a tag, whose inside begins at `p`, says of the page: M name NUL content NUL for a meta; T, L, J and H, each with an
 * empty name, for a title, the address of a canonical link, JSON-LD, and the language of `html`. */
static void note(Walk *walk, const Open *tag, const char *p, const char *end) {
    const char *name = tag->name;
    int64_t size = tag->name_size;
    Attribute named, content;
    if (is_tag(name, size, "meta")) {
        bool is = (has(tag, "property", &named) && named.value_size) || (has(tag, "name", &named) && named.value_size) ||
                  (has(tag, "itemprop", &named) && named.value_size);
        if (is && has(tag, "content", &content) && content.value_size)
            say(walk, 'M', &named, content.value, content.value_size, true);
    } else if (is_tag(name, size, "title")) {
        const char *stop = memchr(p, '<', (size_t)(end - p));
        say(walk, 'T', NULL, p, (stop ? stop : end) - p, true);
    } else if (is_tag(name, size, "link")) {
        if (!has(tag, "rel", &named)) return;
        for (const char *at = named.value, *stop = at + named.value_size; at < stop;) {
            while (at < stop && (*at == ' ' || (*at >= 9 && *at <= 13))) at++;
            const char *word = at;
            while (at < stop && *at != ' ' && !(*at >= 9 && *at <= 13)) at++;
            if (!is_tag(word, at - word, "canonical")) continue;
            if (has(tag, "href", &content)) say(walk, 'L', NULL, content.value, content.value_size, true);
            return;
        }
    } else if (is_tag(name, size, "script")) {
        if (has(tag, "type", &named) && is_tag(named.value, named.value_size, "application/ld+json"))
            say(walk, 'J', NULL, p, find_close(p, end, name, size, false) - p, false);
    } else if (is_tag(name, size, "html") && has(tag, "lang", &content)) {
        say(walk, 'H', NULL, content.value, content.value_size, true);
    }
}

static int64_t walk_page(State *state) {
    Walk *walk = state->walk;
    const char *p = walk->html, *end = p + walk->size;
    int64_t element = -1, error = 0; /* the open element */
    const char *skipped = NULL;      /* name of the unseen element round this place, and how often it is open */
    int64_t skipped_size = 0, depth = 0;
    while (p < end) {
        if (*p != '<') { /* text */
            const char *stop = memchr(p, '<', (size_t)(end - p));
            if (!stop) stop = end;
            if (!depth && element >= 0) {
                if ((error = add_text(state, element, p, stop, true))) return error;
                state->open[element].before = OTHER_NODE;
            }
            p = stop;
            continue;
        }
        if (end - p >= 4 && !memcmp(p, "<!--", 4)) {
            for (p += 4; p < end && !(end - p >= 3 && !memcmp(p, "-->", 3));) p++;
            p = end - p >= 3 ? p + 3 : end;
            if (!depth && element >= 0) state->open[element].before = OTHER_NODE;
            continue;
        }
        bool closes = p + 1 < end && p[1] == '/';
        const char *name = p + 1 + closes, *name_end = name;
        while (name_end < end && *name_end != ' ' && *name_end != '>') name_end++;
        int64_t name_size = name_end - name;
        const char *tag = closes ? memchr(name_end, '>', (size_t)(end - name_end)) : tag_end(name_end, end);
        if (!tag) tag = end;
        p = tag < end ? tag + 1 : end;
        uint8_t what = what_is(name, name_size);
        bool copied = depth && is_tag(skipped, skipped_size, "template"); /* what it holds is not on the page */
        if (!closes && name_size >= 4 && !copied && (!depth || *name != 't')) {
            Open noted = {.name = name, .attributes = name_end, .name_size = (int32_t)name_size,
                          .attributes_size = (int32_t)max64(0, tag - name_end)};
            note(walk, &noted, p, end);
        }
        if (depth) { /* inside something unseen: only its own end counts */
            if (name_size == skipped_size && !memcmp(name, skipped, (size_t)name_size)) depth += closes ? -1 : 1;
            else if (!closes && what & RAW) p = find_close(p, end, name, name_size, false);
            continue;
        }
        if (closes) {
            if (element < 0) continue;
            Open *open = state->open + element;
            if (state->pieces && (open->what & BREAKS || open->forced >= 0)) {
                if ((error = finish(state))) return error;
            } else if (open->at > 0 && open->at < state->pieces && open->line == state->line) {
                if (!room((void **)&state->within, &state->size_within, state->n_within, sizeof *state->within))
                    return NO_MEMORY;
                state->within[state->n_within++] = (Within){element, open->at, open->place, state->used};
            }
            open->end = walk->n_lines + (state->pieces > 0);
            if (open->number >= 0) walk->elements[open->number].end = (int32_t)open->end;
            element = open->parent;
            if (element < 0) break; /* the body */
            state->open[element].before = open->what & LINK ? LINK_NODE : OTHER_NODE;
            continue;
        }
        bool root = element < 0;
        if (root && !is_tag(name, name_size, "body")) { /* above it nothing shows */
            if (what & RAW) p = find_close(p, end, name, name_size, false);
            else if (is_tag(name, name_size, "template")) skipped = name, skipped_size = name_size, depth = 1;
            continue;
        }
        if (!root && what & UNSEEN && !(what & NOSCRIPT && walk->noscript)) {
            state->open[element].before = OTHER_NODE;
            if (what & VOID) continue;
            if (what & RAW) { /* no markup is read inside */
                p = find_close(p, end, name, name_size, false);
                p = p < end ? p + name_size + 3 : end;
                continue;
            }
            skipped = name, skipped_size = name_size, depth = 1;
            continue;
        }
        if (!room((void **)&state->open, &state->size_open, state->n_open, sizeof *state->open)) return NO_MEMORY;
        Open *open = state->open + state->n_open, *over = root ? NULL : state->open + element;
        *open = (Open){.name = name, .attributes = name_end, .name_size = (int32_t)name_size,
                       .attributes_size = (int32_t)max64(0, tag - name_end), .parent = element, .number = -1,
                       .forced = -1, .what = root ? BREAKS : what};
        Attribute found;
        if (*walk->mark && open->attributes_size && has(open, walk->mark, &found))
            open->forced = (int32_t)strtol(found.value, NULL, 10);
        if (state->pieces) {
            if (open->what & BREAKS || open->forced >= 0) {
                if ((error = finish(state))) return error;
            } else if (open->what & LINK && state->linked && over && over->before == LINK_NODE) {
                /* Two links side by side are two words, kept apart by their style. */
                if (state->used && walk->text[state->line + state->used - 1] != ' ')
                    walk->text[state->line + state->used++] = ' ';
                state->pieces++;
            }
        }
        bool childless = what & VOID || (!root && end - p > name_size + 2 && p[0] == '<' && p[1] == '/' &&
                                         !memcmp(p + 2, name, (size_t)name_size) && p[name_size + 2] == '>');
        if (childless) {
            if (over) over->before = open->what & LINK ? LINK_NODE : OTHER_NODE;
            if (!(what & VOID)) {
                const char *stop = memchr(p, '>', (size_t)(end - p));
                p = stop ? stop + 1 : end;
            }
            continue;
        }
        open->linked = open->what & LINK || (over && over->linked);
        open->keeps = open->what & KEEPS || (over && over->keeps);
        open->begin = walk->n_lines;
        open->at = open->what & BREAKS || (over && over->at) ? 0 : state->pieces;
        open->place = state->used;
        open->line = state->line;
        element = state->n_open++;
        if (what & RAW) {
            const char *stop = find_close(p, end, name, name_size, name_size == 9); /* "plaintext" ends with the page */
            if ((error = add_text(state, element, p, stop, false))) return error;
            p = stop;
        }
    }
    while (element >= 0) { /* a tree that is not closed: the parser always closes it */
        if (state->pieces && (error = finish(state))) return error;
        Open *open = state->open + element;
        if (open->number >= 0) walk->elements[open->number].end = (int32_t)walk->n_lines;
        element = open->parent;
    }
    if (state->pieces && (error = finish(state))) return error;
    walk->text_size = state->line ? state->line - 1 : 0;
    for (int64_t i = 0; i < walk->n_elements; i++) /* what seemed to begin a last line was blank */
        walk->elements[i].end = (int32_t)min64(walk->elements[i].end, walk->n_lines);
    return 0;
}

EXPORT int64_t tw_flatten(Walk *walk) {
    State state = {.walk = walk, .owner = -1};
    int64_t error = walk_page(&state);
    free(state.makes);
    free(state.open);
    free(state.within);
    return error;
}

/* For each element the nearest that says something: itself, or one round it; -1 where none does. */
EXPORT int64_t tw_nearest(const Element *elements, int64_t count, const bool *says, int32_t *nearest) {
    for (int64_t i = 0; i < count; i++)
        nearest[i] = says[i] ? (int32_t)i : elements[i].parent >= 0 ? nearest[elements[i].parent] : -1;
    return 0;
}

/* What str.splitlines() breaks lines at. */
static bool breaks_line(uint32_t c) {
    return (c >= 10 && c <= 13) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

/* The edges of the lines of a text that are not blank, without the white space round them; returns how many. `edges`
 * has room for `size` / 2 + 1 of them. */
EXPORT int64_t tw_lines(const uint32_t *text, int64_t size, int64_t (*edges)[2]) {
    int64_t count = 0, start = -1, last = 0;
    for (int64_t i = 0; i <= size; i++) {
        if (i == size || breaks_line(text[i])) {
            if (start >= 0) edges[count][0] = start, edges[count++][1] = last + 1;
            start = -1;
        } else if (!is_space(text[i])) {
            if (start < 0) start = i;
            last = i;
        }
    }
    return count;
}

/* The digest of the sources that the library was made from. */
EXPORT const char *tw_sources(void) { return SOURCES; }

/* For a test that ctypes has the same. */
EXPORT const int64_t tw_size_walk = sizeof(Walk);
EXPORT const int64_t tw_size_line = sizeof(Line);
EXPORT const int64_t tw_size_element = sizeof(Element);
EXPORT const int64_t tw_size_inner = sizeof(Inner);
