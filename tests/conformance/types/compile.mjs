// What the declarations of isolates/types say, by the TypeScript compiler's own interface:
// node compile.mjs MODULES programs FILE...   the compiler's complaints, as JSON
// node compile.mjs MODULES declared           what is declared, as JSON

import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const [modules, task, ...files] = process.argv.slice(2);
const ts = createRequire(`${modules}/`)('typescript');
const here = path.dirname(fileURLToPath(import.meta.url));
const types = path.resolve(here, '../../../isolates/types');

const options = {
  target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler, lib: ['lib.es2025.d.ts'],
  strict: true, noEmit: true, exactOptionalPropertyTypes: false, types: [],
};

/** Each file with the declarations alone: whatever is checked, they are too. */
function complaints(roots, more = {}) {
  const program = ts.createProgram([path.join(types, 'atoll.d.ts'), ...roots],
    { ...options, ...more });
  return ts.getPreEmitDiagnostics(program).map(({ file, start, code, messageText }) => ({
    file: file && path.relative(here, file.fileName),
    line: file && file.getLineAndCharacterOfPosition(start).line + 1,
    code, message: ts.flattenDiagnosticMessageText(messageText, ' '),
  }));
}

// ---- what is declared ----------------------------------------------------------------------

function declared() {
  const program = ts.createProgram([path.join(types, 'atoll.d.ts')], options);
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(path.join(types, 'atoll.d.ts'));
  const isOurs = (symbol) => (symbol.declarations ?? []).some((declaration) =>
    declaration.getSourceFile().fileName.startsWith(types));
  const nameOf = (symbol) => symbol.name.replace(/^__@(\w+)@\d+$/, '[Symbol.$1]');

  /** A member's kind, as the script can tell it. */
  function kindOf(symbol) {
    if (symbol.flags & (ts.SymbolFlags.Method | ts.SymbolFlags.Function)) return 'method';
    const isReadonly = symbol.declarations.every((declaration) =>
      ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Readonly);
    return isReadonly ? 'readonly' : 'writable';
  }

  /** Brands, and methods that scripts may define, which nothing has before they do. */
  const isCompilersOwn = ({ name, flags }) =>
    name === 'prototype' || /^___?[A-Z]+_/.test(name) ||
    (flags & ts.SymbolFlags.Optional && flags & ts.SymbolFlags.Method);

  function membersOf(type) {
    const members = {};
    for (const symbol of checker.getPropertiesOfType(type)) {
      if (isOurs(symbol) && !isCompilersOwn(symbol)) members[nameOf(symbol)] = kindOf(symbol);
    }
    return members;
  }

  /** Of a value: what it is, and its members; a class has statics as well. */
  function describe(symbol) {
    if (symbol.flags & ts.SymbolFlags.Function) return { kind: 'function' };
    if (symbol.flags & ts.SymbolFlags.Module) {
      return { kind: 'namespace', values: valuesOf(checker.getExportsOfModule(symbol)) };
    }
    const type = checker.getTypeOfSymbol(symbol);
    const made = type.getConstructSignatures();
    if (made.length === 0) {
      return { kind: 'object', members: symbol.name === 'self' ? {} : membersOf(type) };
    }
    const prototype = type.getProperty('prototype');
    const instance = prototype ? checker.getTypeOfSymbol(prototype) : made[0].getReturnType();
    return { kind: 'class', statics: membersOf(type), members: membersOf(instance) };
  }

  function valuesOf(symbols) {
    const values = {};
    for (const symbol of symbols) {
      if (symbol.flags & ts.SymbolFlags.Value && isOurs(symbol) && !symbol.name.startsWith('"')) {
        values[symbol.name] = describe(symbol);
      }
    }
    return values;
  }

  const scope = checker.getSymbolsInScope(file, ts.SymbolFlags.Value | ts.SymbolFlags.Interface);
  const interfaces = {};
  for (const symbol of scope) {
    if (isOurs(symbol) && symbol.flags & ts.SymbolFlags.Interface) {
      interfaces[symbol.name] = membersOf(checker.getDeclaredTypeOfSymbol(symbol));
    }
  }
  const imports = {};
  for (const module of checker.getAmbientModules()) {
    if (!module.name.includes('*')) {
      imports[module.name.slice(1, -1)] = valuesOf(checker.getExportsOfModule(module));
    }
  }
  return {
    language: scope.filter((symbol) => symbol.flags & ts.SymbolFlags.Value && !isOurs(symbol))
      .map(({ name }) => name),
    globals: valuesOf(scope), interfaces, imports,
  };
}

const tasks = {
  programs: () => complaints(files),
  node: () => complaints(files, { types: ['node'], typeRoots: [path.join(modules, '@types')],
    skipLibCheck: true }),
  declared,
};
console.log(JSON.stringify(tasks[task]()));
