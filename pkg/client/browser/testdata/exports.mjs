// Prints what the module exports, and what its classes can do.
const module = await import(process.env.MODULE);
for (const [name, value] of Object.entries(module)) {
  console.log(name);
  for (const member of Object.getOwnPropertyNames(value.prototype)) {
    if (member !== 'constructor') console.log(`${name}.${member}`);
  }
}
