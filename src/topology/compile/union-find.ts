/** Disjoint sets of names, which can be united. */
export class UnionFind {
  readonly #parents = new Map<string, string>()

  add(name: string): void {
    if (!this.#parents.has(name)) this.#parents.set(name, name)
  }

  /** Returns the name that represents the set. */
  root(name: string): string {
    let current = name
    for (;;) {
      const parent = this.#parents.get(current)
      if (parent === undefined || parent === current) return current
      current = parent
    }
  }

  unite(a: string, b: string): void {
    this.add(a)
    this.add(b)
    this.#parents.set(this.root(b), this.root(a))
  }
}
