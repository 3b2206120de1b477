/** What a page of the console may load: its own files and the one connection to the console; nothing else. */

/** The kit adds one style element with its colours, whose text is fixed in a build; a test notices when it changes. */
const kitStyleHashes: readonly string[] = ['sha256-XGGxbKIeqSJVsT4jGtcwUKhlSMEq3Js1nlGDNn9k8kU=']

/** `connect`: source expressions of what the page may talk to, e.g. "'self'" or "'none'". */
export function contentSecurityPolicy({ connect }: { connect: string }): string {
  const hashes = kitStyleHashes.map(hash => ` '${hash}'`).join('')
  return [
    'default-src \'none\'',
    'script-src \'self\'',
    'worker-src \'self\'',
    `style-src 'self'${hashes}`,
    'font-src \'self\'',
    'img-src \'self\' blob:',
    `connect-src ${connect}`,
    'base-uri \'none\'',
    'form-action \'none\'',
    'frame-ancestors \'none\'',
  ].join('; ')
}
