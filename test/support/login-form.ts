/** A page of `/login/CREDENTIAL` in a browser without scripts. */
export interface LoginForm {
  readonly action: string;
  readonly ticket: string;
  readonly cookie: string;
}

/** Opens a login page of the admin listener. Rejects with the status and text of any other. */
export async function openLogin(adminUrl: string, path: string): Promise<LoginForm> {
  const response = await fetch(adminUrl + path);
  const text = await response.text();
  const [, action] = /<form method="post" action="([^"]*)"/.exec(text) ?? [];
  const [, ticket] = /<input type="hidden" name="ticket" value="([^"]*)"/.exec(text) ?? [];
  if (action === undefined || ticket === undefined) throw new Error(`${response.status} ${text}`);
  return { action: new URL(action, adminUrl).href, ticket, cookie: cookieOf(response) };
}

/** Presses its button: where the browser is sent to log in, and the cookie of the login. */
export async function pressLogin({
  action,
  ticket,
  cookie,
}: LoginForm): Promise<{ url: string; cookie: string }> {
  const body = new URLSearchParams({ ticket });
  const response = await fetch(action, { method: 'POST', body, headers: { cookie }, redirect: 'manual' });
  const url = response.headers.get('location');
  if (url === null) throw new Error(`${response.status} ${await response.text()}`);
  return { url, cookie: cookieOf(response) };
}

function cookieOf({ headers }: Response): string {
  return headers.getSetCookie()[0]?.split(';')[0] ?? '';
}
