/**
 * Which packet numbers of one sender have come: a packet counts once, in whatever order packets come, as long as it is no more than 63 behind the latest.
 * What is further behind is taken for a replay. The idea is that of IPsec's anti-replay window (RFC 4303).
 */
export class ReplayWindow {
  #top = 0;
  /** Bit b of the two words: number top − b has come. */
  #recent = 0;
  #earlier = 0;

  /** Whether this number has not come yet and is not too far behind; from now on it has come. */
  accept(number: number): boolean {
    const ahead = number - this.#top;
    if (ahead > 0) {
      this.#shift(ahead);
      this.#top = number;
      this.#recent |= 1;
      return true;
    }
    const behind = -ahead;
    if (this.had(number) !== false) return false;
    if (behind < 32) this.#recent |= 1 << behind;
    else this.#earlier |= 1 << (behind - 32);
    return true;
  }

  /** Whether this number has come; null: too long ago to remember. */
  had(number: number): boolean | null {
    const behind = this.#top - number;
    if (behind < 0) return false;
    if (behind > 63) return null;
    return ((behind < 32 ? this.#recent >>> behind : this.#earlier >>> (behind - 32)) & 1) === 1;
  }

  /** Another boot of the sender counts anew. */
  reset(): void {
    this.#top = 0;
    this.#recent = 0;
    this.#earlier = 0;
  }

  #shift(by: number): void {
    if (by >= 64) {
      this.#recent = 0;
      this.#earlier = 0;
    } else if (by >= 32) {
      this.#earlier = by === 32 ? this.#recent : this.#recent << (by - 32);
      this.#recent = 0;
    } else {
      this.#earlier = (this.#earlier << by) | (this.#recent >>> (32 - by));
      this.#recent <<= by;
    }
  }
}
