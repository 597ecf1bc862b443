const INTERFACE = /^lockstep:plugin\/(http|session)@/;

export function resolve(specifier, context, next) {
  const found = INTERFACE.exec(specifier);
  if (!found) return next(specifier, context);
  return { url: new URL(`./${found[1]}.js`, import.meta.url).href, shortCircuit: true };
}
