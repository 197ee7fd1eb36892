package report

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shown opens the page of the filled store.
func shown(t *testing.T, before ...func(*tab)) *tab {
	t.Helper()
	d, err := filled()
	require.NoError(t, err)
	return show(t, d, before...)
}

// marks counts the shapes of a chart in a colour of the palette, without its legend.
func marks(b *tab, chart, color string) int {
	b.t.Helper()
	return eval[int](b, fmt.Sprintf(`(() => {
		const probe = document.body.appendChild(document.createElement("i"));
		probe.style.color = "var(--%s)";
		const color = getComputedStyle(probe).color;
		probe.remove();
		const box = document.querySelector('[data-chart="%s"]');
		const top = box.getBoundingClientRect().top + (box.dataset.chart === "collisions" ? 0 : 30);
		return [...box.querySelectorAll("svg path")].filter((p) => getComputedStyle(p).fill === color && p.getBoundingClientRect().top > top && p.getBoundingClientRect().height > 0).length;
	})()`, color, chart))
}

// TestPage checks the parts of one page, one after the other.
func TestPage(t *testing.T) {
	t.Parallel()
	b := shown(t, media("", map[string]string{"prefers-reduced-motion": "reduce"}))
	for _, part := range []struct {
		name string
		test func(*testing.T, *tab)
	}{
		{"Keyboard", pageKeyboard}, {"Charts", pageCharts}, {"Tooltip", pageTooltip}, {"Sort", pageSort}, {"Filter", pageFilter},
		{"NamesStayText", pageNamesStayText}, {"Accessibility", pageAccessibility},
	} {
		t.Run(part.name, func(t *testing.T) {
			b.t = t
			part.test(t, b)
		})
	}
	b.t = t
}

func pageCharts(t *testing.T, b *tab) {
	assert.Equal(t, []string{"timeline", "stages", "agents", "slos", "collisions"}, eval[[]string](b, `[...document.querySelectorAll(".chart")].filter((c) => c.querySelector("svg")).map((c) => c.dataset.chart)`))
	for _, tt := range []struct {
		chart, color string
		want         int
	}{
		{"timeline", "passed", 4}, {"timeline", "failed", 7}, {"timeline", "partial", 1}, {"timeline", "cancelled", 1},
		{"stages", "p50", 5}, {"stages", "p95", 5}, {"stages", "p99", 5},
		{"agents", "p50", 7}, {"agents", "p95", 7}, {"agents", "p99", 7},
		{"slos", "partial", 6}, {"slos", "failed", 6},
		{"collisions", "many", 2}, // the most frequent pair, from both sides
		{"collisions", "none", 30},
	} {
		assert.Equal(t, tt.want, marks(b, tt.chart, tt.color), "%s %s", tt.chart, tt.color)
	}
	assert.Contains(t, eval[string](b, `document.querySelector('[data-chart="collisions"]').textContent`), "<script>alert(1...")
}

func pageTooltip(t *testing.T, b *tab) {
	b.do(chromedp.ScrollIntoView(chromedp.CSS(`[data-chart="agents"]`)))
	at := eval[[]float64](b, `(() => { const r = document.querySelector('[data-chart="agents"] svg').getBoundingClientRect(); return [r.left + r.width / 2, r.top + 60]; })()`)
	b.do(chromedp.MouseEvent("mouseMoved", at[0], at[1]), chromedp.WaitVisible(chromedp.CSS(`[data-chart="agents"] .tip`)))
	assert.Equal(t, "coderp50: 4 sp95: 7 sp99: 7 s7 executions", eval[string](b, `document.querySelector('[data-chart="agents"] .tip').textContent`))
}

func TestTheme(t *testing.T) {
	t.Parallel()
	system := func(scheme string) func(*tab) {
		return media("", map[string]string{"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"})
	}
	b := shown(t, system("light"))
	shows := func(background string) {
		t.Helper()
		assert.Equal(t, background, eval[string](b, `getComputedStyle(document.body).backgroundColor`))
		assert.Equal(t, 5, marks(b, "stages", "p50"), "drawn again, in these colours")
		assert.Empty(t, eval[[]string](b, contrast))
	}
	const light, dark = "rgb(245, 246, 248)", "rgb(14, 18, 23)"
	shows(light)
	system("dark")(b)
	shows(dark)
	b.do(chromedp.Focus(chromedp.CSS(".theme input:checked")), chromedp.KeyEvent(kb.ArrowRight))
	shows(light)
	b.do(chromedp.KeyEvent(kb.ArrowRight))
	shows(dark)
	system("light")(b)
	shows(dark)
	b.do(chromedp.Click(chromedp.CSS(".theme label:first-of-type"))) // back to the scheme of the system
	shows(light)

	media("print", nil)(b)
	assert.False(t, eval[bool](b, `["nav", ".theme", ".filter"].some((s) => document.querySelector(s).checkVisibility())`))
	eval[bool](b, `dispatchEvent(new Event("beforeprint"))`)
	assert.True(t, eval[bool](b, `document.querySelector("details").open`))
	eval[bool](b, `dispatchEvent(new Event("afterprint"))`)
	assert.False(t, eval[bool](b, `document.querySelector("details").open`))
}

// contrast returns the texts of the page and its charts with less contrast to their background
// than WCAG 2.2 AA requires (1.4.3): 4.5:1.
const contrast = `(() => {
	const rgb = (c) => (c.match(/[\d.]+/g) ?? []).map(Number);
	const light = (c) => rgb(c).slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	const behind = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (rgb(c)[3] !== 0) return c; } return "rgb(255, 255, 255)"; };
	const bad = [];
	for (const e of document.querySelectorAll("body *")) {
		if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility() || e.closest("script, noscript, [data-chart=collisions]")) continue;
		const svg = e.namespaceURI.endsWith("svg");
		const [a, b] = [light(svg ? getComputedStyle(e).fill : getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
		if ((a + 0.05) / (b + 0.05) < 4.5) bad.push(e.tagName + ": " + e.textContent.slice(0, 40));
	}
	return bad;
})()`

// column returns the texts of a column in the visible rows of a section's first table.
func column(b *tab, section string, n int) []string {
	b.t.Helper()
	return eval[[]string](b, fmt.Sprintf(`[...document.querySelector("#%s table").tBodies[0].rows].filter((r) => r.checkVisibility()).map((r) => r.cells[%d].textContent)`, section, n))
}

func pageSort(t *testing.T, b *tab) {
	pressed := func() string {
		return eval[string](b, `[...document.querySelectorAll("#stages th[aria-sort]")].map((h) => h.textContent + " " + h.getAttribute("aria-sort")).join()`)
	}
	inOrder := []string{"μ₁_normalize", "μ₂_extract", "μ₃_emit", "μ₄_canonicalize", "μ₅_receipt"}
	reversed := []string{"μ₅_receipt", "μ₄_canonicalize", "μ₃_emit", "μ₂_extract", "μ₁_normalize"}
	assert.Equal(t, inOrder, column(b, "stages", 0))
	assert.Empty(t, pressed())

	b.do(chromedp.Click(chromedp.CSS("#stages th:nth-child(7) button")))
	assert.Equal(t, "Longest descending", pressed())
	assert.Equal(t, reversed, column(b, "stages", 0), "as numbers: 1.4 s is more than 700 ms")
	b.do(chromedp.KeyEvent(kb.Enter)) // on the button that was clicked
	assert.Equal(t, "Longest ascending", pressed())
	assert.Equal(t, inOrder, column(b, "stages", 0))
	b.do(chromedp.Focus(chromedp.CSS("#stages th:nth-child(1) button")), chromedp.KeyEvent(" "), chromedp.KeyEvent(" "))
	assert.Equal(t, "Stage descending", pressed())
	assert.Equal(t, reversed, column(b, "stages", 0))
}

func pageFilter(t *testing.T, b *tab) {
	require.Len(t, column(b, "failures", 1), 7)
	b.do(chromedp.SendKeys(chromedp.CSS("#failures input"), "BROKE: scRIPT>alert"))
	assert.Equal(t, []string{"run <script>alert(1)</script>"}, column(b, "failures", 1))
	assert.Equal(t, "1 of 7 rows", eval[string](b, `document.querySelector("#failures output").textContent`))
	b.do(chromedp.Click(chromedp.CSS("#failures th:nth-child(1) button")))
	assert.Len(t, column(b, "failures", 1), 1, "sorting keeps the filter")
	b.do(chromedp.SendKeys(chromedp.CSS("#failures input"), "none such"))
	assert.Empty(t, column(b, "failures", 1))
	b.do(chromedp.KeyEvent(kb.Escape)) // clears a search field
	assert.Len(t, column(b, "failures", 1), 7)
}

func pageNamesStayText(t *testing.T, b *tab) {
	assert.Equal(t, hostile[0], eval[string](b, `document.title`))
	assert.Equal(t, hostile[0], eval[string](b, `document.querySelector("h1").textContent`))
	assert.Equal(t, 4, eval[int](b, `document.scripts.length`))
	assert.Zero(t, eval[int](b, `document.querySelectorAll("img, iframe, link, object, embed, svg [onload], td b").length`))
	var want []string
	for _, name := range hostile {
		shorten(maxName, &name)
		want = append(want, strings.ReplaceAll(name, "\r\n", "\n")) // HTML normalizes line ends
	}
	assert.Subset(t, column(b, "agents", 0), want)
	assert.Subset(t, column(b, "slos", 0), want)
	assert.Subset(t, eval[[]string](b, `JSON.parse(document.getElementById("data").textContent).agents.map((a) => a.agent_id.replaceAll("\r\n", "\n"))`), want)
}

// TestPolicy: scripts that escaping misses would neither run nor make requests.
func TestPolicy(t *testing.T) {
	t.Parallel()
	b := shown(t)
	b.mu.Lock()
	b.expected = "Content Security Policy"
	b.mu.Unlock()
	var reached atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	t.Cleanup(server.Close)
	for what, js := range map[string]string{
		"script-src-elem": `document.body.append(Object.assign(document.createElement("script"), { textContent: "alert(1)" }))`,
		"script-src-attr": `document.body.setAttribute("onclick", "alert(1)")`,
		"style-src-attr":  `document.body.setAttribute("style", "color: red")`,
		"img-src":         `{ new Image().src = "` + server.URL + `" }`,
		"connect-src":     `fetch("` + server.URL + `").catch(() => 0)`,
		"form-action":     `document.body.appendChild(Object.assign(document.createElement("form"), { action: "` + server.URL + `" })).submit()`,
	} {
		v, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`new Promise((done) => {
			document.addEventListener("securitypolicyviolation", (e) => done(e.effectiveDirective), { once: true });
			`+js+`;
		})`, chromedp.EvalAwaitPromise))
		require.NoError(t, err, what)
		assert.Equal(t, what, v)
	}
	assert.Zero(t, reached.Load())
	b.mu.Lock()
	b.requests = b.requests[:1] // the blocked requests are listed too
	b.mu.Unlock()
}

func TestPhone(t *testing.T) {
	t.Parallel()
	b := shown(t, width(360))
	assert.Equal(t, 360, eval[int](b, `document.documentElement.scrollWidth`))
	assert.Empty(t, eval[[]string](b, `[...document.querySelectorAll("section, header, .tiles, .facts, .chart svg")].filter((e) => !e.closest(".wider") && e.getBoundingClientRect().right > 360).map((e) => e.id || e.className)`))
	b.do(chromedp.EmulateViewport(1200, 900))
	_, err := chromedp.Run(b.ctx, chromedp.Poll[bool](`document.querySelector('[data-chart="timeline"] svg').getBoundingClientRect().width > 1000`))
	require.NoError(t, err, "the charts grow with the window")
}

func pageAccessibility(t *testing.T, b *tab) {
	seen := map[string]int{}
	for _, node := range call(b, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes {
		if node.Ignored || node.Role == nil {
			continue
		}
		role, name := text(node.Role), text(node.Name)
		seen[role]++
		switch role {
		case "button", "searchbox", "textbox", "radio", "radiogroup", "table", "region", "image", "img", "link", "heading", "navigation", "columnheader", "rowheader":
			assert.NotEmpty(t, strings.TrimSpace(name), role)
		}
	}
	for role, least := range map[string]int{"main": 1, "banner": 1, "navigation": 1, "contentinfo": 1, "radio": 3, "table": 6, "image": 5, "searchbox": 6, "heading": 9, "button": 30} {
		assert.GreaterOrEqual(t, seen[role], least, role)
	}
	assert.Equal(t, "en", eval[string](b, `document.documentElement.lang`))
	assert.Empty(t, eval[[]string](b, `[...document.querySelectorAll("[id]")].map((e) => e.id).filter((id, i, all) => all.indexOf(id) !== i)`))
	assert.Empty(t, eval[[]string](b, `[...document.querySelectorAll("[aria-labelledby], [aria-describedby]")].flatMap((e) => [e.getAttribute("aria-labelledby"), e.getAttribute("aria-describedby")]).filter((id) => id && !document.getElementById(id))`))
}

// pageKeyboard begins with the first focus.
func pageKeyboard(t *testing.T, b *tab) {
	b.do(chromedp.KeyEvent(kb.Tab)) // to the first focusable element
	assert.Equal(t, "Skip to the report", eval[string](b, `document.activeElement.textContent`))
	assert.True(t, eval[bool](b, `document.activeElement.getBoundingClientRect().left >= 0 && getComputedStyle(document.activeElement).outlineStyle === "solid"`))
	b.do(chromedp.KeyEvent(kb.Enter))
	assert.Equal(t, "main", eval[string](b, `document.activeElement.id`))
}

func text(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	return strings.Trim(string(v.Value), `"`)
}

func TestWithoutJavaScript(t *testing.T) {
	t.Parallel()
	b := shown(t, func(b *tab) {
		call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	})
	shows := func(selector string) bool {
		return eval[bool](b, fmt.Sprintf(`[...document.querySelectorAll(%q)].some((e) => e.checkVisibility())`, selector))
	}
	assert.True(t, shows("noscript p"))
	assert.True(t, shows("#failures td"))
	assert.False(t, shows(".theme"))
	assert.False(t, shows(".chart"))
	assert.Len(t, column(b, "agents", 0), 7)
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	d, err := Gather(t.Context(), open(t, ":memory:"), Options{})
	require.NoError(t, err)
	b := show(t, d)
	assert.Equal(t, []string{"No executions in this window.", "No stage was timed in this window.", "No executions in this window.", "No collisions in this window.", "No failed executions in this window.", "No drift in this window."},
		eval[[]string](b, `[...document.querySelectorAll("section .empty")].map((e) => e.textContent)`))
	assert.Equal(t, "–", eval[string](b, `document.querySelector(".tiles div:nth-child(2) dd").textContent`))
	assert.Zero(t, eval[int](b, `document.querySelectorAll(".chart").length`))
}
