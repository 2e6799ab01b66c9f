#include "rosenpass/manual_text.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define LINE_COLUMNS 78
#define TEXT_INDENT 5
#define SUBSECTION_INDENT 3
#define STEP 6
#define WORDS_MAX 64
#define WORD_BYTES 256
#define DEPTH_MAX 8
#define COLUMNS_MAX 8

enum list_kind {
	LIST_TAG,
	LIST_BULLET,
	LIST_COLUMN,
};

struct list {
	enum list_kind kind;
	bool compact;
	int widths[COLUMNS_MAX];
};

struct writer {
	FILE *stream;
	int column;
	int indent;
	char word[2 * WORD_BYTES]; /* not written yet, as more may follow without a space */
	bool glue;                 /* it does */
	bool blank;                /* an empty line would be one too many */
	bool literal;              /* lines stay as they are */
	bool synopsis;             /* each command begins a line */
	int head;                  /* a tag was written that may share its line with the text; 0: none */
	struct list lists[DEPTH_MAX];
	int depth;
};

struct line {
	char storage[WORDS_MAX][WORD_BYTES];
	bool quoted[WORDS_MAX]; /* such a word is no macro */
	int count;
};

/* What stands around the arguments of a macro. */
static const struct {
	const char *macro, *before, *after;
} enclosures[] = {
	{ "Op", "[", "]" },   { "Oo", "[", NULL },  { "Oc", NULL, "]" },  { "Pq", "(", ")" },
	{ "Po", "(", NULL },  { "Pc", NULL, ")" },  { "Dq", "\"", "\"" }, { "Qq", "\"", "\"" },
	{ "Ql", "\"", "\"" }, { "Sq", "'", "'" },   { "Bq", "[", "]" },   { "Brq", "{", "}" },
	{ "Qo", "\"", NULL }, { "Qc", NULL, "\"" },
};

static bool is_one_of(const char *word, const char *list)
{
	size_t length = strlen(word);

	for (const char *at = list; (at = strstr(at, word)) != NULL; at += length) {
		if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
			return length > 0;
	}
	return false;
}

static void break_line(struct writer *w)
{
	if (w->column > 0)
		(void)fputc('\n', w->stream);
	w->column = 0;
}

static void pad_to(struct writer *w, int column)
{
	for (; w->column < column; w->column++)
		(void)fputc(' ', w->stream);
}

/* Writes the word that has been put together, on the next line if there is no room on this one. */
static void flush_word(struct writer *w)
{
	int length = (int)strlen(w->word);
	bool space = w->column > w->indent;

	if (length == 0)
		return;
	if (w->head > 0) {
		/* The text of a tag begins beside it where the tag is short. */
		space = false;
		if (w->head >= w->indent)
			break_line(w);
		w->head = 0;
	}
	if (space && w->column + 1 + length > LINE_COLUMNS) {
		break_line(w);
		space = false;
	}
	pad_to(w, w->column + space);
	pad_to(w, w->indent);
	(void)fputs(w->word, w->stream);
	w->column += length;
	w->word[0] = '\0';
	w->blank = false;
}

static void new_line(struct writer *w)
{
	flush_word(w);
	break_line(w);
	w->glue = false;
	w->head = 0;
}

static void blank_line(struct writer *w)
{
	new_line(w);
	if (!w->blank)
		(void)fputc('\n', w->stream);
	w->blank = true;
}

/* Resolves the few escapes that pages have. */
static void unescape(char *text)
{
	char *out = text;

	while (*text != '\0') {
		if (text[0] != '\\') {
			*out++ = *text++;
		} else if (text[1] == '(' && text[2] != '\0' && text[3] != '\0') {
			/* Quotation marks and dashes. */
			*out++ = text[2] == 'd' ? '"' : '-';
			text += 4;
		} else if (text[1] == '&') {
			text += 2;
		} else if (text[1] == 'e' || text[1] == '-' || text[1] == '~') {
			*out++ = text[1] == 'e' ? '\\' : text[1] == '-' ? '-' : ' ';
			text += 2;
		} else {
			text++;
		}
	}
	*out = '\0';
}

/* One word into the filled text, or the next piece of one. */
static void put(struct writer *w, const char *text)
{
	size_t used;

	if (!w->glue)
		flush_word(w);
	used = strlen(w->word);
	if (used + strlen(text) >= sizeof w->word) {
		flush_word(w);
		used = 0;
	}
	(void)snprintf(w->word + used, sizeof w->word - used, "%s", text);
	w->glue = false;
}

/* Text with several words. */
static void put_text(struct writer *w, char *text)
{
	char *rest = NULL;

	for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
		unescape(word);
		put(w, word);
	}
}

static void put_glued(struct writer *w, const char *word)
{
	w->glue = true;
	put(w, word);
}

/* Splits a macro line; words in quotes are one. */
static void split(struct line *line, const char *text)
{
	line->count = 0;
	while (line->count < WORDS_MAX) {
		char *out = line->storage[line->count];
		char *end = out + WORD_BYTES - 1;
		bool quoted;

		text += strspn(text, " ");
		if (*text == '\0')
			return;
		quoted = *text == '"';
		text += quoted;
		while (*text != '\0' && *text != (quoted ? '"' : ' ')) {
			if (out < end)
				*out++ = *text;
			text++;
		}
		*out = '\0';
		text += *text == '"';
		line->quoted[line->count++] = quoted;
	}
}

static bool closes(const struct line *line, int i)
{
	return !line->quoted[i] && is_one_of(line->storage[i], ". , ; : ? ! ) ]");
}

static bool is_inline(const struct line *line, int i)
{
	const char *word = line->storage[i];

	if (line->quoted[i])
		return false;
	for (size_t e = 0; e < sizeof enclosures / sizeof enclosures[0]; e++) {
		if (strcmp(word, enclosures[e].macro) == 0)
			return true;
	}
	return is_one_of(word, "Fl Ar Cm Ic Pa Ev Va Dv Em Sy Xr No Ns Nm Sx Lk");
}

/* true: the macro at i is an enclosure; its opening is written, its closing remembered for the end. */
static bool enclose(struct writer *w, const char *macro, const char *closings[DEPTH_MAX], int *open)
{
	for (size_t e = 0; e < sizeof enclosures / sizeof enclosures[0]; e++) {
		if (strcmp(macro, enclosures[e].macro) != 0)
			continue;
		if (enclosures[e].before == NULL) {
			put_glued(w, enclosures[e].after);
			return true;
		}
		put(w, enclosures[e].before);
		w->glue = true;
		if (enclosures[e].after != NULL && *open < DEPTH_MAX)
			closings[(*open)++] = enclosures[e].after;
		return true;
	}
	return false;
}

/* Writes the words from first to before end, with what the macros among them do. */
static void put_words(struct writer *w, struct line *line, int first, int end)
{
	const char *closings[DEPTH_MAX];
	const char *macro = "";
	int open = 0;
	int tail = end;

	while (tail > first && closes(line, tail - 1))
		tail--;
	for (int i = first; i < tail; i++) {
		char *word = line->storage[i];

		if (is_inline(line, i)) {
			macro = "";
			if (enclose(w, word, closings, &open))
				continue;
			if (strcmp(word, "Ns") == 0)
				w->glue = true;
			else
				macro = word;
			/* The program names itself. */
			if (strcmp(word, "Nm") == 0 &&
			    (i + 1 == end || closes(line, i + 1) || is_inline(line, i + 1)))
				put(w, "rosenpass");
			continue;
		}
		if (closes(line, i)) {
			put_glued(w, word);
			continue;
		}
		if (strcmp(macro, "Fl") == 0 && strcmp(word, "|") != 0) {
			put(w, "-");
			w->glue = true;
		}
		put_text(w, word);
		if (strcmp(macro, "Xr") == 0 && i + 1 < tail) {
			put_glued(w, "(");
			put_glued(w, line->storage[++i]);
			put_glued(w, ")");
			macro = "";
		}
		if (!line->quoted[i] && (strcmp(word, "(") == 0 || strcmp(word, "[") == 0))
			w->glue = true;
	}
	while (open > 0)
		put_glued(w, closings[--open]);
	for (int i = tail; i < end; i++)
		put_glued(w, line->storage[i]);
}

static void begin_list(struct writer *w, struct line *line)
{
	struct list list = { .kind = LIST_TAG };
	int columns = 0;

	for (int i = 1; i < line->count; i++) {
		const char *word = line->storage[i];

		if (strcmp(word, "-bullet") == 0)
			list.kind = LIST_BULLET;
		else if (strcmp(word, "-column") == 0)
			list.kind = LIST_COLUMN;
		else if (strcmp(word, "-compact") == 0)
			list.compact = true;
		else if (strcmp(word, "-width") == 0 || strcmp(word, "-offset") == 0)
			i++;
		else if (list.kind == LIST_COLUMN && columns < COLUMNS_MAX)
			list.widths[columns++] = (int)strlen(word) + 2;
	}
	if (w->depth == DEPTH_MAX)
		return;
	w->lists[w->depth++] = list;
	if (list.kind != LIST_COLUMN)
		w->indent += STEP;
	if (list.compact || list.kind == LIST_COLUMN)
		blank_line(w);
}

static void end_list(struct writer *w)
{
	if (w->depth == 0)
		return;
	if (w->lists[--w->depth].kind != LIST_COLUMN)
		w->indent -= STEP;
	blank_line(w);
}

/* The cells of a row, each at its column. */
static void put_row(struct writer *w, struct line *line, const struct list *list)
{
	int indent = w->indent;
	int first = 1;
	int cell = 0;

	for (int i = 1; i <= line->count; i++) {
		if (i < line->count && (line->quoted[i] || strcmp(line->storage[i], "Ta") != 0))
			continue;
		if (w->column > 0)
			pad_to(w, w->column + 1);
		pad_to(w, w->indent);
		put_words(w, line, first, i);
		flush_word(w);
		if (cell < COLUMNS_MAX)
			w->indent += list->widths[cell++];
		first = i + 1;
	}
	w->indent = indent;
}

static void begin_item(struct writer *w, struct line *line)
{
	const struct list *list = w->depth == 0 ? NULL : &w->lists[w->depth - 1];

	if (list == NULL)
		return;
	if (list->compact || list->kind == LIST_COLUMN)
		new_line(w);
	else
		blank_line(w);
	if (list->kind == LIST_COLUMN) {
		put_row(w, line, list);
		return;
	}
	w->indent -= STEP;
	if (list->kind == LIST_BULLET)
		put(w, "*");
	else
		put_words(w, line, 1, line->count);
	flush_word(w);
	w->indent += STEP;
	w->glue = false;
	w->head = w->column + 1;
}

static void put_heading(struct writer *w, struct line *line, int indent)
{
	int text = w->indent;

	blank_line(w);
	w->indent = indent;
	put_words(w, line, 1, line->count);
	new_line(w);
	w->indent = text;
	w->blank = true;
}

/* One line as it is. */
static void put_literal(struct writer *w, char *text)
{
	new_line(w);
	unescape(text);
	pad_to(w, *text == '\0' ? 0 : w->indent);
	(void)fprintf(w->stream, "%s\n", text);
	w->column = 0;
	w->blank = false;
}

/* Macros that lay out; false: it is one within the text. */
static bool lay_out(struct writer *w, struct line *line, char *arguments)
{
	const char *macro = line->storage[0];

	if (strcmp(macro, "Sh") == 0) {
		w->indent = TEXT_INDENT;
		w->synopsis = line->count > 1 && strcmp(line->storage[1], "SYNOPSIS") == 0;
		put_heading(w, line, 0);
	} else if (strcmp(macro, "Ss") == 0) {
		put_heading(w, line, SUBSECTION_INDENT);
	} else if (strcmp(macro, "Pp") == 0) {
		blank_line(w);
	} else if (strcmp(macro, "Bl") == 0) {
		begin_list(w, line);
	} else if (strcmp(macro, "It") == 0) {
		begin_item(w, line);
	} else if (strcmp(macro, "El") == 0) {
		end_list(w);
	} else if (strcmp(macro, "Bd") == 0) {
		blank_line(w);
		w->literal = true;
		w->indent += STEP;
	} else if (strcmp(macro, "Ed") == 0) {
		w->literal = false;
		w->indent -= STEP;
		blank_line(w);
	} else if (strcmp(macro, "Dl") == 0) {
		w->indent += STEP;
		put_literal(w, arguments);
		w->indent -= STEP;
	} else if (strcmp(macro, "Nd") == 0) {
		put(w, "-");
		put_words(w, line, 1, line->count);
	} else {
		/* Date, title and system. */
		return is_one_of(macro, "Dd Dt Os");
	}
	return true;
}

static void write_macro(struct writer *w, char *text)
{
	struct line line;

	split(&line, text);
	if (line.count == 0 || lay_out(w, &line, text + strcspn(text, " ") + (strchr(text, ' ') != NULL)))
		return;
	if (w->synopsis && strcmp(line.storage[0], "Nm") == 0)
		new_line(w);
	put_words(w, &line, is_inline(&line, 0) ? 0 : 1, line.count);
}

void manual_text_write(FILE *stream, const char *page)
{
	struct writer w = { .stream = stream, .indent = TEXT_INDENT, .blank = true };

	while (*page != '\0') {
		size_t length = strcspn(page, "\n");
		char text[1024];

		(void)snprintf(text, sizeof text, "%.*s", (int)length, page);
		page += length + (page[length] == '\n');
		if (strncmp(text, ".\\\"", 3) == 0)
			continue;
		if (text[0] == '.')
			write_macro(&w, text + 1);
		else if (w.literal)
			put_literal(&w, text);
		else
			put_text(&w, text);
	}
	new_line(&w);
}
