/** What a number in the configuration may be. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
  /** A share, strictly between the two; whole otherwise. */
  readonly share?: boolean;
}
