/**
 * The exponential moving average, without the pull towards its start (as Adam corrects its moments). `weight` is what remains of the
 * past at each point, 0 to below 1; gaps stay gaps and are not counted.
 */
export function smooth(values: ArrayLike<number | null>, weight: number): (number | null)[] {
  let mean = 0;
  let seen = 0;
  return Array.from(values, (value) => {
    if (value === null || !Number.isFinite(value)) return value;
    mean = weight * mean + (1 - weight) * value;
    seen += 1;
    return mean / (1 - weight ** seen);
  });
}
