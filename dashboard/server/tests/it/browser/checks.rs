//! What every page owes to people who use it without a mouse, without sight, or with little contrast. Basics by the DOM;
//! not a whole audit.

use serde_json::json;

use super::driver::Browser;

const CHECKS: &str = r#"
const faults = [];
const fault = (what, element) => faults.push(what + ': ' + (element ? element.outerHTML.slice(0, 120) : ''));
const all = selector => [...document.querySelectorAll(selector)];
const shown = element => element.getClientRects().length > 0;
const name = element => (element.getAttribute('aria-label')
  || (element.getAttribute('aria-labelledby') || '').split(/\s+/).map(id => document.getElementById(id)?.textContent ?? '').join(' ')
  || element.textContent).trim();

if (document.documentElement.lang !== 'en') fault('the page has no language');
if (!document.title) fault('the page has no title');
if (all('h1').length !== 1) fault('h1 must stand once, but stands ' + all('h1').length + ' times');
if (all('main').length !== 1) fault('main must stand once');
let level = 0;
for (const heading of all('h1, h2, h3, h4, h5, h6')) {
  const own = Number(heading.tagName[1]);
  if (own > level + 1) fault('a heading skips a level', heading);
  level = own;
}
for (const field of all('input:not([type=hidden]), select, textarea')) if (!field.labels?.length) fault('a field has no label', field);
for (const control of all('a[href], button, summary')) if (!name(control)) fault('a control has no name', control);
for (const picture of all('svg[role=img], img, [role=img]')) if (!name(picture)) fault('a picture has no name', picture);
for (const picture of all('svg:not([role=img])')) if (!picture.closest('[aria-hidden=true], [role=img]')) fault('a drawing is neither named nor hidden', picture);
for (const landmark of all('nav, section')) if (!landmark.hasAttribute('aria-label') && !landmark.hasAttribute('aria-labelledby') && landmark.getAttribute('role') !== 'alert') fault('a landmark has no name', landmark);
for (const reference of all('[aria-labelledby], [aria-describedby]'))
  for (const attribute of ['aria-labelledby', 'aria-describedby'])
    for (const id of (reference.getAttribute(attribute) || '').split(/\s+/).filter(Boolean)) if (!document.getElementById(id)) fault('a reference leads nowhere (' + id + ')', reference);
const ids = all('[id]').map(element => element.id);
for (const id of new Set(ids.filter((id, index) => ids.indexOf(id) !== index))) fault('an id stands twice: ' + id);
for (const cell of all('table')) if (!cell.caption || !cell.tHead) fault('a table has no caption or head', cell);
if (document.documentElement.scrollWidth > window.innerWidth) fault('the page is wider than its window: ' + document.documentElement.scrollWidth);

// WCAG 2.2, 1.4.3: contrast of text against the first opaque ground behind it.
const channels = colour => (colour.match(/[\d.]+/g) || []).map(Number);
const opaque = ([, , , alpha]) => alpha === undefined || alpha === 1;
const luminance = ([r, g, b]) => { const f = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
const ground = element => { for (let e = element; e; e = e.parentElement) { const c = channels(getComputedStyle(e).backgroundColor); if (c.length && opaque(c)) return c; } return [255, 255, 255]; };
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const seen = new Set();
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || seen.has(element) || !shown(element) || element.closest('.visually-hidden, .bone, title, script')) continue;
  seen.add(element);
  const style = getComputedStyle(element);
  const colour = channels(element instanceof SVGElement ? style.fill : style.color);
  const [light, dark] = [luminance(colour), luminance(ground(element))].sort((a, b) => b - a);
  const ratio = (light + 0.05) / (dark + 0.05);
  const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
  if (ratio < (large ? 3 : 4.5)) fault('contrast ' + ratio.toFixed(2), element);
}
return faults;
"#;

/// Fails with everything that is wrong at once.
pub async fn basics(browser: &Browser, page: &str) {
    let faults = browser.run(CHECKS, Vec::new()).await;
    assert_eq!(faults, json!([]), "{page}");
}
