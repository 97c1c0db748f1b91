/** The typed door to the service: one client, credentials added by who is asking. */
import createClient, { type Client, type Middleware } from "openapi-fetch";

import { ProblemError } from "./problem.ts";
import type { paths } from "./schema.d.ts";
import type { Problem } from "./shapes.ts";

export type ApiClient = Client<paths>;

/** Where a request's bearer comes from; `refused` is told when the service no longer accepts it. */
export interface Credentials {
  bearer(): Promise<string>;
  refused(bearer: string): void;
}

export interface ApiOptions {
  baseUrl: string;
  credentials?: Credentials;
  fetch?: typeof fetch;
}

const UNAUTHORISED = 401;

export function createApiClient({ baseUrl, credentials, fetch: send }: ApiOptions): ApiClient {
  const client = createClient<paths>({
    baseUrl,
    fetch: authorised(send ?? ((request) => globalThis.fetch(request)), credentials),
    querySerializer: { array: { style: "form", explode: true } },
  });
  client.use(problemsAreThrown);
  return client;
}

/** Adds the bearer; when it is refused, asks for a new one and tries once more. */
function authorised(send: (request: Request) => Promise<Response>, credentials: Credentials | undefined) {
  return async (request: Request): Promise<Response> => {
    if (credentials === undefined) return send(request);
    const again = request.clone();
    const bearer = await credentials.bearer();
    request.headers.set("Authorization", `Bearer ${bearer}`);
    const response = await send(request);
    if (response.status !== UNAUTHORISED) return response;
    credentials.refused(bearer);
    again.headers.set("Authorization", `Bearer ${await credentials.bearer()}`);
    return send(again);
  };
}

const problemsAreThrown: Middleware = {
  async onResponse({ response }) {
    if (response.ok) return;
    throw new ProblemError(response.status, await readProblem(response));
  },
};

async function readProblem(response: Response): Promise<Partial<Problem>> {
  if (!(response.headers.get("Content-Type") ?? "").includes("json")) return {};
  try {
    return (await response.json()) as Partial<Problem>;
  } catch {
    return {};
  }
}

/** The answer's body. openapi-fetch types it as possibly absent, but every error was thrown already. */
export async function answer<T>(call: Promise<{ data?: T }>): Promise<T> {
  const { data } = await call;
  if (data === undefined) throw new ProblemError(502, { detail: "The shop gave an empty answer." });
  return data;
}
