import { isInside, roomOf, type Import } from './imports.ts'
import { packages } from './packages.ts'
import { PLAIN, rooms } from './rooms.ts'

/** Says what is wrong with an import by the law of `rooms.ts` and `packages.ts`; undefined if nothing is. */
export function complaint(one: Import): string | undefined {
  const room = roomOf(one.file)
  const place = `src/${one.file}:${one.line} imports ${one.target}`
  if (!isInside(one)) {
    const users = packages[one.target]
    if (users === undefined) return `${place}: no room may know this package`
    return users.includes(room) ? undefined : `${place}: only ${users.join(', ')} may know this package`
  }
  const law = rooms[room]
  if (law === undefined) return `${place}: ${room} is no room`
  const known = roomOf(one.target)
  if (known === room || law.knows.includes(known)) return undefined
  return `${place}: ${room} (${law.holds}) may not know ${known}; it may know ${law.knows.join(', ') || 'nothing'}`
}

/** Returns the arrows that the law allows and nobody uses. Arrows to `PLAIN` rooms do not count. */
export function unused(imports: readonly Import[]): string[] {
  const used = new Set(
    imports.map((one) => `${roomOf(one.file)} -> ${isInside(one) ? roomOf(one.target) : one.target}`),
  )
  const allowed = [
    ...Object.entries(rooms).flatMap(([room, { knows }]) =>
      knows.filter((known) => !PLAIN.includes(known)).map((known) => `${room} -> ${known}`),
    ),
    ...Object.entries(packages).flatMap(([name, users]) => users.map((room) => `${room} -> ${name}`)),
  ]
  return allowed.filter((arrow) => !used.has(arrow))
}
