interface TreeNode<T> {
  readonly value: T
  parent: TreeNode<T> | undefined
  left: TreeNode<T> | undefined
  right: TreeNode<T> | undefined
  red: boolean
}

/**
 * A red-black tree like Java's `TreeSet`: comparisons along the tree find the place of a value. If their results change
 * over time, as in Kafka Streams' descriptions, the tree's shape decides: a sorted list would differ.
 */
export class JavaTreeSet<T> {
  readonly #compare: (a: T, b: T) => number
  #root: TreeNode<T> | undefined

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare
  }

  add(value: T): void {
    let parent: TreeNode<T> | undefined
    let next = this.#root
    let order = 0
    while (next !== undefined) {
      parent = next
      order = this.#compare(value, next.value)
      if (order === 0) return
      next = order < 0 ? next.left : next.right
    }
    const added: TreeNode<T> = { value, parent, left: undefined, right: undefined, red: true }
    if (parent === undefined) this.#root = added
    else if (order < 0) parent.left = added
    else parent.right = added
    this.#balance(added)
  }

  *[Symbol.iterator](): Generator<T> {
    yield* this.#inOrder(this.#root)
  }

  *#inOrder(node: TreeNode<T> | undefined): Generator<T> {
    if (node === undefined) return
    yield* this.#inOrder(node.left)
    yield node.value
    yield* this.#inOrder(node.right)
  }

  #balance(added: TreeNode<T>): void {
    let node = added
    for (;;) {
      const { parent } = node
      const grandparent = parent?.parent
      if (parent === undefined || grandparent === undefined || !parent.red) break
      const parentIsLeft = parent === grandparent.left
      const uncle = parentIsLeft ? grandparent.right : grandparent.left
      if (uncle?.red === true) {
        parent.red = false
        uncle.red = false
        grandparent.red = true
        node = grandparent
        continue
      }
      const isInner = node === (parentIsLeft ? parent.right : parent.left)
      if (isInner) this.#rotate(parent, parentIsLeft ? 'left' : 'right')
      const top = isInner ? node : parent
      node = isInner ? parent : node
      top.red = false
      grandparent.red = true
      this.#rotate(grandparent, parentIsLeft ? 'right' : 'left')
    }
    if (this.#root !== undefined) this.#root.red = false
  }

  /** Moves a node down to the given side, and its child of the other side into its place. */
  #rotate(node: TreeNode<T>, side: 'left' | 'right'): void {
    const other = side === 'left' ? 'right' : 'left'
    const child = node[other]
    if (child === undefined) return
    const { parent } = node
    const inner = child[side]
    node[other] = inner
    if (inner !== undefined) inner.parent = node
    child.parent = parent
    if (parent === undefined) this.#root = child
    else if (parent.left === node) parent.left = child
    else parent.right = child
    child[side] = node
    node.parent = child
  }
}
