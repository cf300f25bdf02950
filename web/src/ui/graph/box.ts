/** How large a node is drawn, in px; apart from the layout, which only the worker loads. */
export const BOX = { width: 184, height: 44 };
