// Makes the schema that the stand-in provider serves, out of the npm package
// @cdktf/provider-aws, whose code was generated from the AWS provider itself:
//
//   npm install --ignore-scripts --legacy-peer-deps --prefix DIR @cdktf/provider-aws@21.22.1
//   node generate.mjs DIR/node_modules/@cdktf/provider-aws/lib | gzip -9n > ../provider/schema.json.gz
//
// What it prints: {provider, resources, data}, each a block of {attributes, block_types}. An
// attribute has a type (a name, or ["list", type], ["object", {…}]), required or computed; a
// nested block has nesting, block, min and max.
//
// The package has a class for each resource. Its synthesizeHclAttributes() names the arguments
// with their types, *ToHclTerraform() those of nested blocks; getters name what is computed;
// the .d.ts says what is required.
import fs from 'node:fs';
import path from 'node:path';

const library = process.argv[2];
const scalars = { string: 'string', number: 'number', boolean: 'bool' };
const getters = {
  String: 'string', Number: 'number', Boolean: 'bool', List: ['list', 'string'], NumberList: ['list', 'number'],
  StringMap: ['map', 'string'], NumberMap: ['map', 'number'], BooleanMap: ['map', 'bool'], AnyMap: 'dynamic',
};
const maps = { StringMap: 'string', StringMapList: 'string', NumberMap: 'number', BooleanMap: 'bool' };

// Code and declarations of a resource; large ones are spread over files of structs.
function sources(folder) {
  let code = '', declarations = '';
  for (const file of fs.readdirSync(folder, { recursive: true })) {
    if (file.endsWith('.d.ts')) declarations += fs.readFileSync(path.join(folder, file), 'utf8') + '\n';
    else if (file.endsWith('.js')) code += fs.readFileSync(path.join(folder, file), 'utf8') + '\n';
  }
  return { code, declarations };
}

function argumentType({ storage, type }) {
  const found = /^(string|number|boolean)((?:List|Map|Set)*)$/.exec(storage);
  if (!found) return 'dynamic';
  const wrappers = found[2].match(/List|Map|Set/g) || [];
  return wrappers.reduce((inner, wrapper, i) => {
    const outermost = i === wrappers.length - 1;
    return [outermost && type === 'set' && wrapper === 'List' ? 'set' : wrapper.toLowerCase(), inner];
  }, scalars[found[1]]);
}

const argument = /^ {4,12}([a-z0-9_]+): \{\n\s+value: (.*),\n\s+isBlock: (true|false),\n\s+type: "(\w+)",\n\s+storageClassType: "(\w+)",\n/gm;

function argumentsIn(text) {
  return [...text.matchAll(argument)].map(([, name, value, isBlock, type, storage]) => ({
    name, type, storage, isBlock: isBlock === 'true', many: /listMapperHcl/.test(value),
    struct: (/\b(\w+)ToHclTerraform\b(?=[(,)])/.exec(value.replace(/cdktf\.\w+ToHclTerraform/g, '')) || [])[1],
  }));
}

// Which properties of which interface are required.
function requirements(declarations) {
  const all = {};
  for (const [, name, body] of declarations.matchAll(/export interface (\w+)[^{]*\{\n([\s\S]*?)\n\}/g)) {
    all[name] = {};
    for (const [, property, , optional] of body.matchAll(/#([a-z0-9_]+) \w+#[a-z0-9_]+\}(?:(?!\*\/)[\s\S])*\*\/\s*readonly (\w+)(\??):/g)) {
      all[name][property] = optional !== '?';
    }
  }
  return all;
}

function read(folder) {
  const { code, declarations } = sources(folder);
  const found = /class (\w+) extends cdktf\.Terraform(Resource|DataSource|Provider) \{/.exec(code);
  if (!found) return null;
  const [, name, kind] = found;
  const structs = {}, references = {}, required = requirements(declarations);
  for (const [, struct, body] of code.matchAll(/^function (\w+)ToHclTerraform\(struct\) \{\n([\s\S]*?)\n\}/gm)) structs[struct] = argumentsIn(body);
  for (const [, struct, body] of code.matchAll(/^class (\w+)OutputReference extends cdktf\.ComplexObject \{\n([\s\S]*?)\n\}/gm)) references[struct] = body;
  const own = code.slice(found.index, code.indexOf('\n}', found.index));

  function computed(text, add) {
    const seen = {};
    const once = (property, type) => { if (!seen[property]) { seen[property] = true; add(property, type); } };
    for (const [, getter, property] of text.matchAll(/this\.get(String|Number|Boolean|List|NumberList|StringMap|NumberMap|BooleanMap|AnyMap)Attribute\('([a-z0-9_]+)'\)/g)) once(property, getters[getter]);
    for (const [, map, property] of text.matchAll(/new cdktf\.(StringMap|StringMapList|NumberMap|BooleanMap)\(this, "([a-z0-9_]+)"/g)) once(property, ['map', maps[map]]);
    for (const [, struct, shape, property] of text.matchAll(/new (\w+?)(List|Map|OutputReference)\(this, "([a-z0-9_]+)"/g)) {
      if (!references[struct]) continue;
      const inner = {};
      computed(references[struct], (attribute, type) => { inner[attribute] = type; });
      once(property, shape === 'OutputReference' ? ['object', inner] : [shape.toLowerCase(), ['object', inner]]);
    }
  }
  function block(entries, declared) {
    const out = { attributes: {}, block_types: {} };
    for (const entry of entries) {
      const need = !!(required[declared] || {})[entry.name];
      const inner = entry.struct && structs[entry.struct];
      if (inner && entry.isBlock) {
        const single = entry.type === 'struct';
        out.block_types[entry.name] = {
          nesting: single ? 'single' : entry.type, block: block(inner, entry.struct[0].toUpperCase() + entry.struct.slice(1)),
          min: need ? 1 : 0, max: entry.many || single ? 0 : 1,
        };
      } else out.attributes[entry.name] = { type: inner ? 'dynamic' : argumentType(entry), required: need };
    }
    return out;
  }
  const schema = block(argumentsIn(own.slice(own.indexOf('synthesizeHclAttributes()'))), name + 'Config');
  if (kind !== 'Provider') computed(own, (property, type) => {
    if (!schema.attributes[property] && !schema.block_types[property]) schema.attributes[property] = { type, computed: true };
  });
  return { kind, type: /\.tfResourceType = "(\w+)"/.exec(code)[1], schema };
}

const out = { provider: {}, resources: {}, data: {} };
for (const folder of fs.readdirSync(library).sort()) {
  if (!fs.existsSync(path.join(library, folder, 'index.js'))) continue;
  const found = read(path.join(library, folder));
  if (!found) continue;
  if (found.kind === 'Provider') out.provider = found.schema;
  else out[found.kind === 'Resource' ? 'resources' : 'data'][found.type] = found.schema;
}
process.stderr.write(`${Object.keys(out.resources).length} resources, ${Object.keys(out.data).length} data sources\n`);
process.stdout.write(JSON.stringify(out));
