"use strict";
// The page's behaviour. Nothing is fetched; every text reaches the page through textContent.
(() => {
  const data = JSON.parse(document.getElementById("content").textContent);
  const $ = (id) => document.getElementById(id);
  const A = data.accounts;
  const size = A.id.length;
  const HELD = { contact: 0, nurture: 1, beyond_capacity: 2, none: 3 }; // the lists, in their order
  const HEIGHT = { wide: 68, middle: 68, narrow: 132 }; // of a row, px; page.css agrees
  const FILTERS = ["owner", "segment", "plan", "offer", "health", "stars", "movement"];
  const NO_OWNER = "(none)"; // the filter's value for accounts that nobody looks after

  // ── Words, numbers, dates ────────────────────────────────────────────────────────────────────────────────────────
  let language = data.language;
  let speak; // formats of the language, made by setLanguage
  const at = () => (language === "ja" ? 1 : 0);
  const word = (pair) => (pair ? pair[at()] : "");
  const t = (name, values = {}) => {
    const pair = (values.n === 1 && data.words[name + "_one"]) || data.words[name];
    return word(pair).replace(/\{(\w+)\}/g, (_, key) => (typeof values[key] === "number" ? speak.number.format(values[key]) : values[key]));
  };
  const named = (group, id) => (id === null ? "" : group[id] ? word(group[id]) : id);
  const sentence = (phrase) => {
    if (!phrase) return "";
    const [place, ...numbers] = phrase;
    const text = data.sentences[place][at()].map((part) => (typeof part === "number" ? numbers[part] : part)).join("");
    return text.charAt(0).toUpperCase() + text.slice(1);
  };
  const locale = () => {
    const own = (navigator.languages || [navigator.language]).find((l) => l && l.toLowerCase().startsWith(language));
    return own || (language === "ja" ? "ja-JP" : "en-GB");
  };
  const formats = () => {
    const l = locale();
    const money = (digits) => new Intl.NumberFormat(l, { style: "currency", currency: data.currency, maximumFractionDigits: digits, minimumFractionDigits: 0 });
    return {
      number: new Intl.NumberFormat(l),
      money: money(0),
      cents: money(2),
      percent: new Intl.NumberFormat(l, { style: "percent", maximumFractionDigits: 0 }),
      percent1: new Intl.NumberFormat(l, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 }),
      points: new Intl.NumberFormat(l, { minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: "exceptZero" }),
      long: new Intl.DateTimeFormat(l, { timeZone: "UTC", year: "numeric", month: "long", day: "numeric" }),
      day: new Intl.DateTimeFormat(l, { timeZone: "UTC", weekday: "short", day: "numeric", month: "short" }),
      plainDay: new Intl.DateTimeFormat(l, { timeZone: "UTC", day: "numeric", month: "short" }),
      month: new Intl.DateTimeFormat(l, { timeZone: "UTC", month: "short", year: "numeric" }),
      dayAndYear: new Intl.DateTimeFormat(l, { timeZone: "UTC", day: "numeric", month: "short", year: "numeric" }),
      away: new Intl.RelativeTimeFormat(l, { numeric: "auto" }),
      collator: new Intl.Collator(l, { numeric: true }),
    };
  };
  const today = Date.parse(data.asOf + "T00:00:00Z");
  const date = (days) => new Date(today + days * 86400000);
  const away = (days) => (Math.abs(days) < 60 ? speak.away.format(days, "day") : speak.away.format(Math.round(days / 30.4), "month"));
  const dayOf = (days) => (Math.abs(days) > 180 ? speak.dayAndYear : speak.day).format(date(days));

  // ── Elements ─────────────────────────────────────────────────────────────────────────────────────────────────────
  const el = (tag, props = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(props)) {
      if (value === null || value === undefined || value === false) continue;
      if (key === "on") for (const [event, f] of Object.entries(value)) node.addEventListener(event, f);
      else if (key === "cls") node.className = value;
      else if (key === "text") node.textContent = value;
      else node.setAttribute(key, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return node;
  };
  const keepingFocus = (box, draw) => { // what is drawn anew keeps the reader's place in it
    const key = box.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    draw();
    if (key !== undefined) for (const node of box.querySelectorAll("[data-key]")) if (node.dataset.key === key) node.focus({ preventScroll: true });
  };
  const unseen = (text) => el("span", { cls: "unseen", text });
  const stars = (n) => el("span", { cls: "stars", role: "img", "aria-label": t("stars_label", { n }) }, el("span", { cls: "lit", text: "★".repeat(n) }), el("span", { text: "★".repeat(5 - n) }));
  const health = (i) => A.band[i] === null
    ? el("span", { cls: "chip none", text: t("no_health") })
    : el("span", { cls: "chip " + A.band[i] }, el("b", { text: A.health[i] === null ? "–" : speak.number.format(A.health[i]) }), " " + named(data.bands, A.band[i]));
  const movement = (i) => {
    const kind = A.movement[i];
    if (kind === "new") return el("span", { cls: "moved new", text: named(data.movements, "new"), title: t("new_here") });
    const n = Math.abs(A.moved[i] || 0);
    if (!n || (kind !== "up" && kind !== "down")) return null;
    return el("span", { cls: "moved " + kind }, el("span", { "aria-hidden": "true", text: (kind === "up" ? "▲" : "▼") + speak.number.format(n) }), unseen(t("places_" + kind, { n })));
  };
  const owner = (i) => (A.owner[i] === null ? t("no_owner") : A.owner[i]);
  const offerOf = (i) => (A.offer[i] === null ? null : data.offers[A.offer[i]]);
  const gate = (g) => (g === null || g < 0 ? "" : word(data.gates[g]));

  // ── What is looked at, kept in the address ───────────────────────────────────────────────────────────────────────
  const EMPTY = { list: "contact", q: "", owner: "", segment: "", plan: "", offer: "", health: "", stars: "", movement: "", sort: "rank", dir: "", account: "" };
  let state = { ...EMPTY };
  const readAddress = () => {
    const given = new URLSearchParams(location.hash.slice(1));
    const next = { ...EMPTY };
    for (const key of Object.keys(EMPTY)) if (given.has(key)) next[key] = given.get(key);
    if (!(next.list in HELD)) next.list = "contact";
    if (!(next.sort in SORTS)) next.sort = "rank";
    if (["en", "ja"].includes(given.get("lang"))) language = given.get("lang");
    const i = A.id.indexOf(next.account);
    if (i >= 0 && !given.has("list")) next.list = A.list[i];
    return next;
  };
  const address = (changes = {}) => {
    const shown = { ...state, ...changes };
    const kept = new URLSearchParams();
    for (const [key, value] of Object.entries(shown)) if (value !== EMPTY[key] || (key === "list" && shown.account)) kept.set(key, value);
    if (language !== data.language) kept.set("lang", language);
    return "#" + kept.toString();
  };
  const go = (changes, { push = false } = {}) => {
    const hash = address(changes);
    if (push) history.pushState(null, "", hash);
    else history.replaceState(null, "", hash);
    show();
  };

  // ── Choosing and ordering ────────────────────────────────────────────────────────────────────────────────────────
  const SORTS = {
    rank: { of: (i) => A.rank[i], down: false },
    name: { of: (i) => A.name[i], down: false },
    mrr: { of: (i) => A.mrr[i], down: true },
    renews: { of: (i) => A.renews[i], down: false },
    health: { of: (i) => A.health[i], down: false },
    p: { of: (i) => A.p[i], down: true },
    arr: { of: (i) => A.arr[i], down: true },
  };
  const folded = (text) => text.normalize("NFKC").toLowerCase();
  const haystack = A.id.map((id, i) => folded([A.name[i], id, A.owner[i] || ""].join("\n")));
  const inList = Object.fromEntries(Object.keys(HELD).map((list) => [list, []]));
  for (let i = 0; i < size; i++) inList[A.list[i]].push(i);
  const passes = {
    owner: (i, v) => (A.owner[i] === null ? NO_OWNER : A.owner[i]) === v,
    segment: (i, v) => A.segment[i] === v,
    plan: (i, v) => A.plan[i] === v,
    offer: (i, v) => A.offer[i] !== null && data.offers[A.offer[i]].id === v,
    health: (i, v) => A.band[i] === v,
    stars: (i, v) => A.stars[i] >= Number(v),
    movement: (i, v) => A.movement[i] === v,
  };
  const isDown = () => (state.dir ? state.dir === "down" : SORTS[state.sort].down);
  let view = [];
  const choose = () => {
    const words = folded(state.q).split(/\s+/).filter(Boolean);
    const active = FILTERS.filter((f) => state[f] !== "");
    view = inList[state.list].filter((i) => words.every((w) => haystack[i].includes(w)) && active.every((f) => passes[f](i, state[f])));
    const of = SORTS[state.sort].of;
    const sign = isDown() ? -1 : 1;
    view.sort((i, j) => {
      const a = of(i), b = of(j);
      if (a === null || b === null) return (a === null) - (b === null) || A.rank[i] - A.rank[j]; // unknown comes last either way
      const order = typeof a === "string" ? speak.collator.compare(a, b) : a - b;
      return sign * order || A.rank[i] - A.rank[j];
    });
  };

  // ── The head of the page ─────────────────────────────────────────────────────────────────────────────────────────
  const figure = (name, value, note, cls = "") => el("div", { cls: "figure " + cls }, el("dt", { text: t(name) }), el("dd", {}, el("b", { text: value }), note ? el("span", { text: note }) : null));
  const drawGlance = () => {
    const g = data.glance;
    $("company").textContent = data.company;
    $("week").textContent = t("week_of", { date: speak.long.format(date(0)) });
    $("headline").textContent = t(g.n_contact ? "headline" : "headline_none", { n: g.n_contact });
    const isFirst = g.n_new === null;
    $("figures").replaceChildren(el("dl", {},
      figure("glance_arr", speak.money.format(g.expected_arr), t(g.is_learnt ? "glance_arr_learnt" : "glance_arr_note"), "first"),
      figure("glance_new", isFirst ? "–" : speak.number.format(g.n_new), isFirst ? t("glance_first") : t("glance_new_note", { up: g.n_up, down: g.n_down })),
      figure("glance_renewing", speak.number.format(g.n_renewing), t("glance_renewing_note", { money: speak.money.format(g.renewing_mrr) })),
      figure("glance_help", speak.number.format(g.n_help), t("glance_help_note"))));
    const most = Math.max(1, ...g.owners.map((o) => o.expected_arr));
    $("owners").hidden = g.owners.length < 2;
    $("owners").replaceChildren(el("h2", { text: t("by_owner") }), el("ul", { tabindex: "0", "aria-label": t("by_owner") }, ...g.owners.map((o) => {
      const bar = el("span", { cls: "bar" });
      bar.style.setProperty("--share", Math.max(0, o.expected_arr / most));
      const value = o.owner_id === null ? NO_OWNER : o.owner_id;
      const isOn = state.owner === value && state.list === "contact";
      return el("li", {}, el("button", { type: "button", "data-key": value, "aria-pressed": String(isOn), on: { click: () => go({ list: "contact", owner: isOn ? "" : value }) } },
        el("span", { cls: "who", dir: "auto", text: o.owner_id === null ? t("no_owner") : o.owner_id }),
        el("span", { cls: "what", text: t("by_owner_line", { n: o.n_contact, money: speak.money.format(o.expected_arr) }) }), bar));
    })));
    $("capacity").hidden = !data.capacity.length;
    $("capacity").replaceChildren(el("h2", { text: t("capacity") }), el("ul", {}, ...data.capacity.map((text) => el("li", { text: word(text) }))));
    const notes = [...(data.hasSignal === false ? [t("no_signal")] : []), ...data.warnings.map(word)];
    $("notes").hidden = !notes.length;
    $("notes").replaceChildren(el("h2", { text: t("warnings") }), el("ul", {}, ...notes.map((text) => el("li", { text }))));
    const auc = data.auc && data.hasSignal ? t("auc", { auc: Math.round(100 * data.auc[0]), low: Math.round(100 * data.auc[1]), high: Math.round(100 * data.auc[2]) }) : "";
    $("foot").replaceChildren(...[auc, t("footer", { date: speak.long.format(date(0)), n: data.horizon, model: data.model.slice(0, 12) }), t("keys")].filter(Boolean).map((text) => el("p", { text })));
  };

  const drawLists = () => {
    $("lists").setAttribute("aria-label", t("lists"));
    $("lists").replaceChildren(...Object.keys(HELD).map((list) => el("a", {
      href: address({ list, account: "" }), "data-key": list, "aria-current": list === state.list ? "page" : null,
      on: { click: (e) => { e.preventDefault(); go({ list, account: "" }); } },
    }, named(data.assignments, list), el("span", { cls: "n", text: speak.number.format(inList[list].length) }))));
  };

  const options = {
    owner: () => [...new Set(A.owner)].map((o) => (o === null ? [NO_OWNER, t("no_owner")] : [o, o])).sort((a, b) => speak.collator.compare(a[1], b[1])),
    segment: () => Object.keys(data.segments).filter((s) => A.segment.includes(s)).map((s) => [s, named(data.segments, s)]),
    plan: () => Object.keys(data.plans).filter((p) => A.plan.includes(p)).map((p) => [p, named(data.plans, p)]),
    offer: () => data.offers.filter((o, i) => A.offer.includes(i)).map((o) => [o.id, word(o.name)]),
    health: () => Object.keys(data.bands).map((b) => [b, named(data.bands, b)]),
    stars: () => [5, 4, 3, 2].map((n) => [String(n), "★".repeat(n) + " " + t("stars_at_least", { n })]),
    movement: () => Object.keys(data.movements).filter((m) => A.movement.includes(m)).map((m) => [m, named(data.movements, m)]),
  };
  const LABELS = { owner: "owner_id", segment: "segment", plan: "plan_id", offer: "offer_id", health: "health_score", stars: "stars", movement: "movement" };
  const SORT_LABELS = { rank: "rank", name: "account_name", mrr: "mrr", renews: "renews_on", health: "health_score", p: "propensity", arr: "expected_arr" };
  const drawFilters = () => { // made once a language; show() then only sets the values
    const search = el("label", { cls: "search" }, unseen(t("search")), el("input", { type: "search", id: "q", placeholder: t("search_hint"), autocomplete: "off", spellcheck: "false", "aria-keyshortcuts": "Control+K", on: { input: (e) => go({ q: e.target.value }) } }));
    const selects = FILTERS.map((f) => [f, options[f]()]).filter(([, all]) => all.length > 1).map(([f, all]) => el("label", { cls: "pick" }, el("span", { text: word(data.columns[LABELS[f]]) }),
      el("select", { id: "filter-" + f, on: { change: (e) => go({ [f]: e.target.value }) } }, el("option", { value: "", text: t("all") }), ...all.map(([value, text]) => el("option", { value, text })))));
    const sort = el("label", { cls: "pick sort" }, el("span", { text: t("sort") }), el("select", { id: "sort", on: { change: (e) => go({ sort: e.target.value, dir: "" }) } }, ...Object.keys(SORTS).map((s) => el("option", { value: s, text: word(data.columns[SORT_LABELS[s]]) }))));
    const clear = el("button", { type: "button", id: "clear", cls: "quiet", text: t("clear"), on: { click: () => { go({ ...EMPTY, list: state.list, account: state.account, sort: state.sort, dir: state.dir }); $("q").focus(); } } });
    $("filters").replaceChildren(search, ...selects, sort, clear);
  };
  $("filters").addEventListener("submit", (e) => e.preventDefault());

  // ── The list: only the rows in sight are on the page ─────────────────────────────────────────────────────────────
  const heads = () => [
    ["rank", data.columns.rank, "rank"],
    ["name", data.columns.account_name, "account"],
    ["", state.list === "contact" || state.list === "beyond_capacity" ? data.columns.reasons : data.columns.blocked_by, "why"],
    ["", state.list === "none" ? data.columns.would_unblock : data.columns.offer_id, "offer"],
    ["mrr", data.words.plan_mrr, "plan"],
    ["renews", data.columns.renews_on, "renewal"],
    ["health", data.columns.health_score, "health"],
    ["p", data.columns.propensity, "chance"],
    ["arr", data.columns.expected_arr, "arr"],
  ];
  const drawHeads = () => {
    $("heads").replaceChildren(...heads().map(([sort, label, cls]) => {
      if (!sort) return el("div", { role: "columnheader", cls }, el("span", { text: word(label) }));
      const isOn = state.sort === sort;
      const down = isDown();
      return el("div", { role: "columnheader", cls, "aria-sort": isOn ? (down ? "descending" : "ascending") : null },
        el("button", { type: "button", "data-key": sort, on: { click: () => go({ sort, dir: isOn ? (down ? "up" : "down") : "" }) } }, word(label), el("span", { cls: "arrow", "aria-hidden": "true", text: isOn ? (down ? "↓" : "↑") : "" })));
    }));
  };
  const terms = (i) => [A.channel[i] ? named(data.channels, A.channel[i]) : "", A.by[i] === null ? "" : t("by_day", { date: speak.plainDay.format(date(A.by[i])) })].filter(Boolean).join(" · ");
  const cell = (cls, ...children) => el("div", { role: "cell", cls }, ...children);
  const makeRow = (n) => {
    const i = view[n];
    const offer = offerOf(i);
    const isSold = state.list === "contact" || state.list === "beyond_capacity";
    const [first, second] = isSold || A.blocked[i] === null ? data.top[i].map(([mark, ...phrase]) => mark + sentence(phrase)) : [gate(A.blocked[i])];
    const what = state.list === "none" ? sentence(A.unblock[i]) : offer ? word(offer.name) : "";
    const row = el("div", { role: "row", cls: "row", "aria-rowindex": n + 2, "data-n": n, "aria-current": A.id[i] === state.account ? "true" : null },
      cell("rank", el("b", { text: speak.number.format(A.rank[i]) }), movement(i)),
      cell("account", el("a", { href: address({ account: A.id[i] }), dir: "auto", title: A.name[i], text: A.name[i] }), el("span", { cls: "sub" }, el("bdi", { text: owner(i) }), A.segment[i] ? " · " + named(data.segments, A.segment[i]) : "")),
      cell("why", el("span", { cls: "clamp" }, el("span", { text: first || "" }), second ? el("span", { cls: "more", text: " · " + second }) : null)),
      cell("offer", el("span", { cls: "clamp", text: what }), state.list !== "none" && terms(i) ? el("span", { cls: "sub", text: terms(i) }) : null),
      cell("plan", named(data.plans, A.plan[i]), el("span", { cls: "sub", text: speak.money.format(A.mrr[i]) })),
      cell("renewal", ...(A.renews[i] === null ? [el("span", { cls: "sub", text: "–" })] : [el("span", { text: (Math.abs(A.renews[i]) > 180 ? speak.month : speak.day).format(date(A.renews[i])) }), el("span", { cls: "sub" + (A.renewsSoon[i] ? " soon" : ""), text: away(A.renews[i]) })])),
      cell("health", health(i)),
      cell("chance", stars(A.stars[i]), el("span", { cls: "sub", text: speak.percent.format(A.p[i] / 1000) })),
      cell("arr", el("b", { text: A.arr[i] === null || state.list === "none" ? "" : speak.money.format(A.arr[i]) })));
    return row;
  };
  let drawn = new Map(); // place in the view -> its row
  let shape = "wide";
  let isPrinting = false;
  const drawRows = () => {
    const h = HEIGHT[shape];
    const body = $("rows");
    body.style.height = isPrinting ? "auto" : view.length * h + "px";
    const above = -body.getBoundingClientRect().top;
    const from = isPrinting ? 0 : Math.max(0, Math.floor(above / h) - 8);
    const to = isPrinting ? view.length : Math.min(view.length, Math.ceil((above + innerHeight) / h) + 8);
    for (const [n, row] of drawn) if ((n < from || n >= to) && !row.contains(document.activeElement)) { row.remove(); drawn.delete(n); }
    let before = null;
    for (let n = to - 1; n >= from; n--) {
      let row = drawn.get(n);
      if (!row) {
        row = makeRow(n);
        row.style.top = n * h + "px";
        body.insertBefore(row, before);
        drawn.set(n, row);
      }
      before = row;
    }
  };
  const redrawRows = () => {
    const held = document.activeElement.closest(".row"); // the reader's place survives a change of shape
    drawn = new Map();
    $("rows").replaceChildren();
    drawRows();
    const again = held && drawn.get(Number(held.dataset.n));
    if (again) again.querySelector("a").focus({ preventScroll: true });
  };
  const reveal = (n) => { // scrolls no further than it must
    const h = HEIGHT[shape];
    const top = $("rows").getBoundingClientRect().top + n * h;
    if (top < 120) scrollBy(0, top - 120);
    else if (top + h > innerHeight - 20) scrollBy(0, top + h - innerHeight + 20);
    drawRows();
  };
  const focusRow = (n) => {
    if (n < 0 || n >= view.length) return;
    reveal(n);
    drawn.get(n).querySelector("a").focus({ preventScroll: true });
  };
  $("rows").addEventListener("click", (e) => {
    const row = e.target.closest(".row");
    if (!row || e.ctrlKey || e.metaKey || e.shiftKey || String(getSelection())) return;
    e.preventDefault();
    open(view[Number(row.dataset.n)]);
  });
  $("rows").addEventListener("keydown", (e) => {
    const row = e.target.closest(".row");
    if (row && (e.key === "ArrowDown" || e.key === "ArrowUp")) { e.preventDefault(); focusRow(Number(row.dataset.n) + (e.key === "ArrowDown" ? 1 : -1)); }
  });
  addEventListener("scroll", () => requestAnimationFrame(drawRows), { passive: true });
  new ResizeObserver(([entry]) => {
    const width = entry.contentRect.width;
    const next = width < 700 ? "narrow" : width < 1060 ? "middle" : "wide";
    if (next !== shape || $("table").dataset.shape !== next) { shape = next; $("table").dataset.shape = next; redrawRows(); } else drawRows();
  }).observe($("table"));
  addEventListener("beforeprint", () => { isPrinting = true; redrawRows(); });
  addEventListener("afterprint", () => { isPrinting = false; redrawRows(); });

  // ── One account's card ───────────────────────────────────────────────────────────────────────────────────────────
  const open = (i) => go({ account: A.id[i] }, { push: !state.account });
  const close = () => { const id = state.account; go({ account: "" }); const n = view.findIndex((i) => A.id[i] === id); if (n >= 0) focusRow(n); else $("q").focus(); };
  const part = (name, ...children) => el("section", { cls: "part" }, el("h3", { text: t(name) }), ...children);
  const pair = (label, value, cls = "") => el("div", { cls: "pair " + cls }, el("dt", { text: label }), el("dd", {}, value));
  const chosenValue = (i) => { const row = data.else[i].find((r) => r[0] === A.offer[i] && r[1] === null); return row ? row[4] : null; };

  const isAlone = (i) => A.list[i] === "none";

  const nextStep = (i) => {
    const offer = offerOf(i);
    const reason = A.blocked[i] === null ? null : el("p", { cls: "blocked" }, el("b", { text: gate(A.blocked[i]) }), el("span", { text: sentence(A.unblock[i]) }));
    if (!offer || isAlone(i)) return el("section", { cls: "step calm" }, el("h3", { text: t("next_step_none") }), reason);
    const chips = [A.channel[i] ? named(data.channels, A.channel[i]) : "", A.by[i] === null ? "" : t("when_contact_by") + " " + dayOf(A.by[i]),
      offer.help ? "" : A.discount[i] ? t("with_discount", { pct: speak.percent.format(A.discount[i] / 100) }) : t("no_discount")].filter(Boolean);
    const value = chosenValue(i);
    const worth = offer.help ? [] : [
      value === null ? null : pair(t("if_accepted"), t("a_year", { money: speak.money.format(value) })),
      A.accept[i] === null ? null : pair(word(data.columns.p_accept), speak.percent.format(A.accept[i] / 1000)),
      A.organic[i] === null ? null : pair(word(data.columns.p_organic), speak.percent.format(A.organic[i] / 1000)),
      A.arr[i] === null ? null : pair(t("expected"), t("a_year", { money: speak.money.format(A.arr[i]) }), "strong")].filter(Boolean);
    return el("section", { cls: "step" }, el("p", { cls: "eyebrow", text: t("next_step") }), el("h3", { text: word(offer.name) }),
      el("ul", { cls: "chips" }, ...chips.map((text) => el("li", { text }))),
      A.approval[i] === null ? null : el("p", { cls: "approval", text: t("needs_approval", { who: offer.approver ? word(offer.approver) : A.approval[i] }) }),
      offer.help || A.blocked[i] !== null ? reason : null,
      worth.length ? el("dl", { cls: "worth" }, ...worth) : null,
      offer.roi ? el("p", { cls: "roi", text: t("roi", { money: speak.cents.format(offer.roi[0] * offer.roi[1]), hours: offer.roi[0], wage: speak.cents.format(offer.roi[1]) }) }) : null);
  };

  const whyPart = (i) => {
    const [base, rest, nRest, reasons] = data.why[i];
    const most = Math.max(1, Math.abs(rest), ...reasons.map((r) => Math.abs(r[0])));
    const bar = (tenths) => {
      const b = el("span", { cls: "swing " + (tenths < 0 ? "down" : "up"), "aria-hidden": "true" }, el("i"));
      b.style.setProperty("--share", Math.abs(tenths) / most);
      return b;
    };
    const line = (text, tenths, cls = "") => el("li", { cls: "reason " + cls }, el("span", { cls: "text", text }), bar(tenths), el("span", { cls: "points", title: t(tenths < 0 ? "lowers" : "raises") }, speak.points.format(tenths / 10), unseen(" " + t("points", { n: "" }).trim())));
    const end = (name, tenths, cls) => el("p", { cls }, el("span", { text: t(name) }), el("b", { text: speak.percent1.format(tenths / 1000) }));
    return part(A.list[i] === "contact" || A.list[i] === "beyond_capacity" ? "why" : "why_likely", el("p", { cls: "lead" }, stars(A.stars[i]), " ", t("why_chance", { p: speak.percent1.format(A.p[i] / 1000), n: data.horizon })),
      data.moved[i] ? el("p", { cls: "sub", text: sentence(data.moved[i]) }) : null,
      end("why_base", base, "from"), el("ul", { cls: "reasons" }, ...reasons.map(([points, ...phrase]) => line(sentence(phrase), points)),
        nRest > 0 ? line(t("why_rest", { n: nRest }), rest, "rest") : rest ? line(t("why_rest_plain"), rest, "rest") : null), end("why_total", A.p[i], "to"));
  };

  const persuadablePart = (i) => {
    const rows = data.persuadable[i];
    return rows && part("persuadable", el("p", { cls: "sub", text: t("persuadable_note") }), el("ul", { cls: "marked" }, ...rows.map((phrase) => {
      const told = sentence(phrase);
      const [mark, text] = [told.slice(0, 1), told.slice(2)]; // as delivery/words.py marks it
      return el("li", { cls: mark === "▼" ? "down" : "up" }, el("span", { cls: "mark", "aria-hidden": "true", text: mark }), el("span", { cls: "text" }, unseen(t(mark === "▼" ? "lowers" : "raises") + ": "), text));
    })));
  };
  const whatIfsPart = (i) => {
    const rows = data.whatIfs[i];
    return rows && part("what_ifs", el("p", { cls: "sub", text: t("what_ifs_note") }), el("ul", { cls: "changes" }, ...rows.map((phrase) => el("li", { text: sentence(phrase) }))));
  };

  const moments = (rows) => el("ol", { cls: "moments" }, ...rows.map(([day, text, cls]) => el("li", { cls }, el("time", { datetime: date(day).toISOString().slice(0, 10), text: dayOf(day) }), el("span", { cls: "text", text }), el("span", { cls: "sub", text: away(day) }))));

  // A small line from nought to its highest point, which the words beside it do not need.
  const SPARK = { width: 132, height: 30, edge: 3 };
  const svg = (tag, attributes, ...children) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };
  const spark = (values, label) => {
    const { width, height, edge } = SPARK;
    const most = Math.max(1e-9, ...values);
    const x = (n) => edge + (n * (width - 2 * edge)) / (values.length - 1);
    const y = (value) => height - edge - (Math.max(0, value) * (height - 2 * edge)) / most;
    const points = values.map((value, n) => x(n).toFixed(1) + "," + y(value).toFixed(1)).join(" ");
    const ends = [width - edge, height - edge].join(",") + " " + [edge, height - edge].join(",");
    return svg("svg", { class: "spark", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label },
      svg("polygon", { points: points + " " + ends }), svg("polyline", { points }), svg("circle", { cx: x(values.length - 1).toFixed(1), cy: y(values[values.length - 1]).toFixed(1), r: 2.5 }));
  };
  const lineOf = ([isMoney, values, ...phrase]) => {
    const say = (value) => (isMoney ? speak.money : speak.number).format(value);
    const told = { name: sentence(phrase), first: say(values[0]), last: say(values[values.length - 1]), low: say(Math.min(...values)), high: say(Math.max(...values)) };
    return el("li", {}, el("span", { cls: "name", text: told.name }), spark(values, t("line", told)), el("span", { cls: "ends", text: t("line_ends", told) }));
  };
  const pastPart = (i) => {
    const rows = (data.past[i] || []).map(([day, ...phrase]) => [day, sentence(phrase), ""]);
    const lines = data.lines[i] || [];
    return rows.length || lines.length ? part("past", lines.length ? el("ul", { cls: "lines" }, ...lines.map(lineOf)) : null, rows.length ? moments(rows.sort((a, b) => b[0] - a[0])) : null) : null;
  };

  const whenPart = (i) => {
    const rows = data.when[i].map(([day, ...phrase]) => [day, sentence(phrase), ""]);
    if (A.renews[i] !== null) rows.push([A.renews[i], t("when_renewal"), "ahead"]);
    if (A.by[i] !== null) rows.push([A.by[i], t("when_contact_by"), "ahead strong"]);
    rows.sort((a, b) => a[0] - b[0]);
    return part("when", rows.length ? moments(rows) : el("p", { cls: "sub", text: t("when_nothing") }));
  };

  const howPart = (i) => {
    const offer = offerOf(i);
    if (!offer || isAlone(i) || !(offer.steps.length || offer.say)) return null;
    return part("how", el("ol", { cls: "steps" }, ...offer.steps.map(([who, what, days]) => el("li", {}, el("span", { cls: "text", text: word(what) }), el("span", { cls: "sub", text: word(who) + " · " + t("by_day", { date: speak.day.format(date(days)) }) })))),
      offer.say ? el("figure", { cls: "say" }, el("figcaption", { text: t("say") }), el("blockquote", { text: word(offer.say) })) : null);
  };

  const proofPart = (i) => {
    const offer = offerOf(i);
    const fits = offer && !isAlone(i) ? offer.proof.filter(([segment]) => segment === null || segment === A.segment[i]) : [];
    const peers = offer && !isAlone(i) && data.peers[i] ? [el("p", { text: sentence(data.peers[i]) })] : [];
    return fits.length || peers.length ? part("proof", ...peers, ...fits.map(([, text]) => el("p", { text: word(text) }))) : null;
  };

  const elsePart = (i) => {
    const possible = data.else[i].filter((row) => row[1] === null);
    const refused = new Map(); // gate -> the offers that it keeps back
    for (const [offer, g] of data.else[i].filter((row) => row[1] !== null)) refused.set(g, [...(refused.get(g) || []), word(data.offers[offer].name)]);
    if (!possible.length && !refused.size) return null;
    return part("else",
      possible.length ? el("ul", { cls: "others" }, ...possible.map(([offer, , accept, , value]) => {
        const isChosen = offer === A.offer[i] && !isAlone(i);
        const verdict = [t(isChosen ? "else_chosen" : "else_possible"), accept === null ? "" : speak.percent.format(accept / 1000), value === null || data.offers[offer].help ? "" : t("a_year", { money: speak.money.format(value) })];
        return el("li", { cls: isChosen ? "chosen" : "" }, el("span", { cls: "text", text: word(data.offers[offer].name) }), el("span", { cls: "sub", text: verdict.filter(Boolean).join(" · ") }));
      })) : null,
      refused.size ? el("dl", { cls: "refused" }, ...[...refused].map(([g, names]) => el("div", {}, el("dt", { text: gate(g) || t("else_not") }), el("dd", { text: names.join(language === "ja" ? "、" : ", ") })))) : null);
  };

  const drawCard = () => {
    const card = $("card");
    const i = A.id.indexOf(state.account);
    const wasOpen = !card.hidden && card.dataset.account === state.account;
    card.hidden = i < 0;
    document.body.classList.toggle("open", i >= 0);
    setAside();
    if (i < 0) { card.replaceChildren(); card.dataset.account = ""; return; }
    card.dataset.account = state.account;
    const n = view.indexOf(i);
    const step = (name, to, sign) => el("button", { type: "button", cls: "icon", "aria-label": t(name), title: t(name), disabled: to < 0 || to >= view.length || n < 0, text: sign, on: { click: () => { open(view[to]); if (!isNarrow.matches) reveal(to); (card.querySelector(`[data-go="${name}"]:not([disabled])`) || card).focus(); } }, "data-go": name });
    card.replaceChildren(
      el("header", {}, el("div", { cls: "bar" }, el("span", { cls: "place" }, "#" + speak.number.format(A.rank[i]), " ", movement(i)), el("span", { cls: "go" }, step("previous", n - 1, "↑"), step("next", n + 1, "↓"),
        el("button", { type: "button", cls: "icon word", text: t("print"), on: { click: () => print() } }),
        el("button", { type: "button", cls: "icon", id: "close", "aria-label": t("close"), title: t("close"), text: "✕", on: { click: close } }))),
        el("h2", { id: "card-name", dir: "auto", text: A.name[i] }),
        data.crm ? el("p", { cls: "crm" }, el("a", { href: data.crm.split("{account_id}").join(encodeURIComponent(A.id[i])), target: "_blank", rel: "noopener noreferrer" }, t("crm"), el("span", { "aria-hidden": "true", text: " ↗" }), unseen(" " + t("new_window")))) : null,
        el("dl", { cls: "facts" },
          pair(word(data.columns.owner_id), el("bdi", { text: owner(i) })), pair(word(data.columns.plan_id), named(data.plans, A.plan[i])), pair(word(data.columns.mrr), speak.money.format(A.mrr[i])),
          pair(word(data.columns.lifecycle_stage), named(data.stages, A.stage[i])), A.segment[i] ? pair(word(data.columns.segment), named(data.segments, A.segment[i])) : null, pair(word(data.columns.health_score), health(i)))),
      ...[nextStep(i), whyPart(i), persuadablePart(i), whatIfsPart(i), whenPart(i), pastPart(i), howPart(i), proofPart(i), elsePart(i)].filter(Boolean),
      el("p", { cls: "audit" }, t("audit") + ": ", el("code", { text: "upsell audit " + A.id[i] + " --as-of " + data.asOf })));
    if (!wasOpen) { card.scrollTop = 0; if (!card.contains(document.activeElement)) card.focus({ preventScroll: true }); }
  };
  const isNarrow = matchMedia("(max-width: 900px)");
  const setAside = () => { $("page").inert = !$("card").hidden && isNarrow.matches; }; // there it covers the list
  isNarrow.addEventListener("change", setAside);
  addEventListener("keydown", (e) => {
    if (e.key === "Escape" && state.account) { e.preventDefault(); close(); }
    if (e.key.toLowerCase() === "k" && (e.ctrlKey || e.metaKey) && !$("page").inert) { e.preventDefault(); $("q").focus(); $("q").select(); }
  });
  $("skip").addEventListener("click", (e) => { e.preventDefault(); if (view.length) { $("table").scrollIntoView(); focusRow(0); } });

  // ── All of it ────────────────────────────────────────────────────────────────────────────────────────────────────
  let spoken = "";
  let listed = "";
  const show = () => {
    const before = state;
    state = readAddress();
    if (spoken !== language) {
      spoken = language;
      speak = formats();
      document.documentElement.lang = language;
      document.title = data.company + " · " + t("title");
      for (const input of $("languages").querySelectorAll("input")) input.checked = input.value === language;
      drawFilters();
      listed = "";
    }
    for (const f of FILTERS) if ($("filter-" + f)) $("filter-" + f).value = state[f];
    $("sort").value = state.sort;
    if ($("q").value !== state.q) $("q").value = state.q;
    $("clear").hidden = !(state.q || FILTERS.some((f) => state[f]));
    const asked = JSON.stringify([{ ...state, account: "" }, language]);
    if (asked !== listed) {
      const isOther = before.list !== state.list;
      listed = asked;
      keepingFocus($("owners"), drawGlance);
      keepingFocus($("lists"), drawLists);
      choose();
      keepingFocus($("heads"), drawHeads);
      const all = inList[state.list].length;
      const money = view.reduce((sum, i) => sum + (A.arr[i] || 0), 0);
      $("count").textContent = (view.length === all ? t("shown", { n: all }) : t("shown_of", { n: view.length, all })) + (state.list === "contact" && view.length && view.length < all ? " · " + t("shown_arr", { money: speak.money.format(money) }) : "");
      $("table").dataset.list = state.list;
      $("table").setAttribute("aria-rowcount", view.length + 1);
      $("table").setAttribute("aria-label", named(data.assignments, state.list));
      $("rows").hidden = !view.length;
      $("nothing").hidden = view.length > 0;
      $("nothing").textContent = all ? t("nothing") : t("nothing_here");
      if (isOther && $("rows").getBoundingClientRect().top < 0) $("lists").scrollIntoView();
      redrawRows();
    } else if (before.account !== state.account) {
      for (const row of drawn.values()) {
        if (A.id[view[Number(row.dataset.n)]] === state.account) row.setAttribute("aria-current", "true");
        else row.removeAttribute("aria-current");
      }
    }
    drawCard();
  };
  $("languages").addEventListener("change", (e) => { language = e.target.value; go({}); });
  addEventListener("popstate", show);
  addEventListener("hashchange", show);
  show();
})();
