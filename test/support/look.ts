import type { Page } from 'playwright-core';

/** Text or drawing that stands out too little from what is behind it. */
export interface Faint {
  readonly what: string;
  readonly ratio: number;
}

/** Runs in a page: all that is shown with a contrast (WCAG 2.2 §1.4.3, §1.4.11) below 4.5, for drawings below 3. */
const findFaint = `(() => {
  const numbers = (colour) => { const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const behind = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) layers.push(numbers(getComputedStyle(one).backgroundColor));
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255, 1]);
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const contrast = (colour, ground) => {
    const [a, b] = [light(over(numbers(colour), ground)), light(ground)].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  };
  const faint = [];
  const check = (element, colour, least, what) => {
    const ratio = contrast(colour, behind(element));
    if (ratio < least) faint.push({ what, ratio });
  };
  for (const element of document.body.querySelectorAll('*')) {
    if (!element.checkVisibility({ visibilityProperty: true })) continue;
    const style = getComputedStyle(element);
    const says = [...element.childNodes].some((one) => one.nodeType === 3 && one.data.trim() !== '');
    if (says && !element.closest('svg')) check(element, style.color, 4.5, element.textContent.trim().slice(0, 60));
    if (element.placeholder) check(element, getComputedStyle(element, '::placeholder').color, 4.5, 'placeholder');
    if (element.matches('.shape path, path.line')) check(element.closest('svg'), style.stroke, 3, 'a line');
    if (element.matches('rect.left')) check(element.closest('svg'), style.fill, 3, 'a bar');
  }
  return faint;
})()`;

/** All that stands out too little in a page as it is shown now. */
export function faintIn(page: Page): Promise<Faint[]> {
  return page.evaluate(findFaint);
}

/** By how many CSS pixels a page is wider than its window. */
export function overflowOf(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
}

/** The names of the controls that the Tab key leads to, and of those it does not. */
export async function walkControls(page: Page): Promise<{ reached: string[]; missed: string[] }> {
  const count: number = await page.evaluate(`(() => {
    const all = 'a[href], button, summary, input:not([type=hidden])';
    window.controls = [...document.querySelectorAll(all)].filter((one) => one.checkVisibility());
    document.activeElement.blur();
    return window.controls.length;
  })()`);
  const reached = new Set<number>();
  for (let i = 0; i <= count; i++) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate('window.controls.indexOf(document.activeElement)'));
  }
  const names: string[] = await page.evaluate(
    'window.controls.map((one) => one.ariaLabel ?? (one.textContent.trim() || one.id))',
  );
  const isReached = (_: string, i: number) => reached.has(i);
  return {
    reached: names.filter(isReached),
    missed: names.filter((name, i) => !isReached(name, i)),
  };
}
