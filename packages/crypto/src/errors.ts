/**
 * The one outward face of anything sealed that does not open: a wrong key, a flipped bit, a cut stream, a header of
 * another version. What exactly was wrong is not told, since the difference helps only an attacker.
 */
export class SealError extends Error {
  constructor(message = 'the sealed bytes do not authenticate') {
    super(message)
    this.name = 'SealError'
  }
}
