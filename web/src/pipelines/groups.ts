/** The items under the key of each, in the order in which the keys came. */
export function groups<Item, Key>(items: readonly Item[], key: (item: Item) => Key): Map<Key, Item[]> {
  const found = new Map<Key, Item[]>();
  for (const item of items) {
    const known = found.get(key(item));
    if (known) known.push(item);
    else found.set(key(item), [item]);
  }
  return found;
}
