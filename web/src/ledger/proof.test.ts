import { expect, test } from "vitest";
import { check } from "./proof";

// A proof of the demo's ledger: its event 1129 under the head of 1,131.
const KEY = "ostinato/30d2f08998593090+5b8d03bc+AQ4mVS7FoXbBXewlb5vZtxszfa77JanmmjtNFNL5TRY/";
const PROOF = {
  seq: 1129,
  size: 1131,
  body: "mwG6MDFNN1lQWVpLV0NNVkVOTkdLNzc4V1JXVkjPAATu9aplNACscGVyc29uOmFkbWluq2NvZGUuaXNzdWVkrHBlcnNvbjphZG1pbpCQp2RlZmF1bHSBqWRlbGVnYXRlZMKA",
  path: [
    "09de994a37bb9377f004775d0ef49048070b4a66818b17bf00c50962379b166e",
    "4b44521214cf925fc59c4d942b20636476805f90f0e36c771a59a40cfb0415e5",
    "fac8d073151116a774a78f8b782e42e339e5eef054bfb4e86075b1367834272d",
    "5dc4f40c66d35545714d240bc88ef8c63ee62bc19e6c8571c3771b030d0c2905",
    "80cdb35c6a4f130e1c5e177b4e95ac3ee82123b42e1252b2a306ea862e2a166b",
    "b8692b63c46b3947ccfdb33bf8bd41192b3168a7b42dd1c1382917f58730b7ef",
  ],
  note: "ostinato/30d2f08998593090\n1131\nz63XbqDJOPdN+rF1vDhY0WW870PmPk1tYIu8a3lq2gw=\n\n— ostinato/30d2f08998593090 W40DvBu17raNNClXg/lNdtyTbkcC8Qt4lGVZ/c2bUCQ7PwgUIRO3N38dKdh8ra1rd5iMs+906ru2lXI1cG55kGPbDgU=\n",
};

test("a proof leads from the event to a root that the ledger's key signed", async () => {
  expect(await check(PROOF, KEY)).toMatchObject({ included: true, signed: true });
});

test("a changed byte, another place or another head prove nothing", async () => {
  expect((await check({ ...PROOF, body: PROOF.body.replace("mwG6", "mwG7") }, KEY)).included).toBe(false);
  expect((await check({ ...PROOF, seq: 1128 }, KEY)).included).toBe(false);
  expect((await check({ ...PROOF, path: PROOF.path.slice(1) }, KEY)).included).toBe(false);
  const note = PROOF.note.replace("\n1131\n", "\n1132\n");
  expect(await check({ ...PROOF, note }, KEY)).toMatchObject({ included: false, signed: false });
});
