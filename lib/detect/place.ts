/** Where a text stood, as bits, so that a detector can ask for several at once. */
export const QUERY = 1
export const NAME = 2
export const PATH = 4
export const HEADER = 8
export const COOKIE = 16
export const JSON_VALUE = 32
export const JSON_KEY = 64
export const FORM = 128
export const FILE_NAME = 256
export const TEXT = 512
export const VALUE = 1024
/** Headers whose ordinary value is full of punctuation: user-agent, accept, sec-ch-ua ... */
export const CHATTY = 2048
export const REFERER = 4096
/** The target of a redirect back to the client, such as OAuth's `redirect_uri`: the server does not fetch it. */
export const RETURN_URL = 8192
/** A parameter that by its name takes a file, page or template. */
export const INCLUDES = 16384
