/** Assertions on calls that must fail. */
import { expect } from "chai";

type ErrorClass = abstract new (...args: never[]) => Error;

/** The promise is rejected with an error of this class and message. */
export async function rejects(work: Promise<unknown>, type: ErrorClass, message: RegExp): Promise<void> {
  const error = await work.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error, "the call should have been rejected").to.be.instanceOf(type);
  expect((error as Error).message).to.match(message);
}

/** All steps of a training loop, so that its errors surface. */
export async function drain(loop: AsyncGenerator<unknown>): Promise<void> {
  while (!(await loop.next()).done);
}
