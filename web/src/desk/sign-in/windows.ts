// A sign-in in a window of its own leaves the page as it is, with whatever is typed into it. Its answer comes to that
// window, which knows nothing of the attempt, and is handed over: windows of one origin hear each other, also where the
// sign-in service has cut them off (Cross-Origin-Opener-Policy).

const CHANNEL = "paygraph.desk.sign-in"
const PATIENCE = 1_500 // milliseconds in which the page that began it takes the answer

interface Handed {
  answer?: string
  taken?: string
}

/** Whether another window had begun what this is the answer to, and took it. */
export function handOver(answer: URLSearchParams): Promise<boolean> {
  const channel = new BroadcastChannel(CHANNEL)
  return new Promise<boolean>((resolve) => {
    setTimeout(() => resolve(false), PATIENCE)
    channel.onmessage = ({ data }: MessageEvent<Handed>) => data.taken === answer.get("state") && resolve(true)
    channel.postMessage({ answer: answer.toString() } satisfies Handed)
  }).finally(() => channel.close())
}

/** Hears of answers; `takes` says whether one is to what this page began. */
export function onAnswer(takes: (answer: URLSearchParams) => boolean): () => void {
  const channel = new BroadcastChannel(CHANNEL)
  channel.onmessage = ({ data }: MessageEvent<Handed>) => {
    const answer = new URLSearchParams(data.answer)
    const state = answer.get("state")
    if (state && takes(answer)) channel.postMessage({ taken: state } satisfies Handed)
  }
  return () => channel.close()
}

/** An empty window; only a click may open one. `null` where the browser lets none come up. */
export const openWindow = (): Window | null => open("about:blank", "paygraph-desk-sign-in", "popup,width=520,height=720")
