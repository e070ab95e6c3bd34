// How much memory WebAssembly instances have. Chromium's own figures leave it out: it is asked of
// the instances, which are noted as they are made. To be loaded before anything that makes one.

const noted = []

const note = (instance) => {
  for (const value of Object.values(instance.exports)) if (value instanceof WebAssembly.Memory) noted.push(value)
  return instance
}

const { Instance, instantiate, instantiateStreaming } = WebAssembly
WebAssembly.Instance = new Proxy(Instance, { construct: (target, given) => note(Reflect.construct(target, given)) })
for (const [name, make] of Object.entries({ instantiate, instantiateStreaming })) {
  WebAssembly[name] = async (...given) => {
    const made = await make.apply(WebAssembly, given)
    note(made instanceof Instance ? made : made.instance)
    return made
  }
}

export const memories = () => noted.reduce((bytes, { buffer }) => bytes + buffer.byteLength, 0)
