// A small stand-in for Stripe.js: https://docs.stripe.com/js. Not for production. It speaks to the sandbox it came from.
(() => {
  "use strict"

  const api = new URL(document.currentScript.src).origin
  const TEST_CARDS = [
    ["4242 4242 4242 4242", "Paid"],
    ["4000 0000 0000 0002", "Declined"],
    ["4000 0000 0000 9995", "Insufficient funds"],
    ["4000 0000 0000 3220", "3-D Secure"],
    ["4000 0084 0000 1629", "3-D Secure, then declined"],
    ["4000 0000 0000 7700", "Bank takes its time"],
  ]

  // ---- calls to the API, with the publishable key alone ----

  async function call(method, path, params) {
    const form = new URLSearchParams(params)
    const url = `${api}/v1/${path}`
    try {
      const answer =
        method === "GET"
          ? await fetch(`${url}?${form}`, { cache: "no-store", credentials: "omit" })
          : await fetch(url, { method, body: form, credentials: "omit" })
      return await answer.json()
    } catch {
      return {
        error: {
          type: "api_connection_error",
          message: "We could not reach the payment service. Check your connection and try again.",
        },
      }
    }
  }

  const idOf = (clientSecret) => String(clientSecret).split("_secret_")[0]
  const validation = (code, message) => ({ type: "validation_error", code, message })

  // ---- what is typed into the card form ----

  const digits = (text) => text.replace(/\D/g, "")

  function luhn(number) {
    let sum = 0
    for (let place = 0; place < number.length; place++) {
      let digit = Number(number[number.length - 1 - place])
      if (place % 2 === 1) digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2
      sum += digit
    }
    return sum % 10 === 0
  }

  const CHECKS = {
    number(text) {
      const number = digits(text)
      if (number.length < 13) return validation("incomplete_number", "Your card number is incomplete.")
      if (!luhn(number)) return validation("invalid_number", "Your card number is invalid.")
      return null
    },
    expiry(text) {
      const [month, year] = expiryOf(text)
      if (!month || !year) return validation("incomplete_expiry", "Your card’s expiration date is incomplete.")
      const now = new Date()
      const past = year < now.getFullYear() || (year === now.getFullYear() && month < now.getMonth() + 1)
      if (past) return validation("invalid_expiry_year_past", "Your card’s expiration date is in the past.")
      return null
    },
    cvc(text) {
      return digits(text).length < 3 ? validation("incomplete_cvc", "Your card’s security code is incomplete.") : null
    },
  }

  function expiryOf(text) {
    const typed = digits(text)
    const month = Number(typed.slice(0, 2))
    return typed.length === 4 && month >= 1 && month <= 12 ? [month, 2000 + Number(typed.slice(2))] : [null, null]
  }

  const FORMATS = {
    number: (text) => digits(text).slice(0, 19).replace(/(.{4})(?=.)/g, "$1 "),
    expiry(text) {
      let typed = digits(text).slice(0, 4)
      if (/^[2-9]/.test(typed)) typed = `0${typed}`.slice(0, 4)
      return typed.length > 2 ? `${typed.slice(0, 2)} / ${typed.slice(2)}` : typed
    },
    cvc: (text) => digits(text).slice(0, 4),
  }

  // ---- the Payment Element ----

  const THEMES = {
    stripe: { colorPrimary: "#0570de", colorBackground: "#ffffff", colorText: "#1f2933", colorDanger: "#b3261e" },
    night: { colorPrimary: "#85d996", colorBackground: "#2b2b36", colorText: "#f2f2f5", colorDanger: "#ff9d94" },
  }
  const STYLE = `
    :host { display: block; font: 1rem/1.4 var(--font, system-ui, sans-serif); color: var(--text) }
    * { box-sizing: border-box }
    fieldset { border: 0; margin: 0; padding: 0; display: grid; grid-template-columns: 1fr 1fr; gap: 1rem }
    legend { padding: 0; margin-bottom: .75rem; font-size: .875rem; opacity: .85 }
    .field { display: grid; gap: .375rem; align-content: start }
    .wide { grid-column: 1 / -1 }
    label { font-size: .875rem; font-weight: 600 }
    input { font: inherit; font-variant-numeric: tabular-nums; width: 100%; min-height: 2.875rem; padding: .5rem .875rem;
      color: inherit; background: var(--background); border: 1px solid color-mix(in srgb, var(--text) 45%, transparent);
      border-radius: var(--radius, 8px) }
    input::placeholder { color: inherit; opacity: .65 }
    input:focus { outline: 2px solid var(--primary); outline-offset: 1px; border-color: var(--primary) }
    input[aria-invalid="true"] { border-color: var(--danger) }
    .error { color: var(--danger); font-size: .875rem; margin: 0 }
    .error:empty { display: none }
    details { margin-top: 1rem; font-size: .875rem }
    summary { cursor: pointer; padding: .25rem 0; font-weight: 600 }
    summary:focus-visible, button:focus-visible { outline: 2px solid var(--primary); outline-offset: 2px; border-radius: 4px }
    ul { list-style: none; margin: .5rem 0 0; padding: 0; display: grid;
      grid-template-columns: repeat(auto-fill, minmax(13.5rem, 1fr)); gap: .5rem }
    button { font: inherit; text-align: left; width: 100%; min-height: 2.75rem; padding: .375rem .75rem; cursor: pointer; color: inherit;
      background: color-mix(in srgb, var(--text) 6%, var(--background)); border: 1px solid color-mix(in srgb, var(--text) 18%, transparent);
      border-radius: var(--radius, 8px) }
    button:hover { border-color: var(--primary) }
    button span { display: block; font-variant-numeric: tabular-nums; opacity: .85 }
    button strong { font-weight: 600 }
  `
  const FORM = `
    <fieldset>
      <legend>Card · test mode, no money moves</legend>
      <div class="field wide"><label for="number">Card number</label>
        <input id="number" inputmode="numeric" autocomplete="cc-number" placeholder="1234 1234 1234 1234" aria-describedby="number-error">
        <p class="error" id="number-error"></p></div>
      <div class="field"><label for="expiry">Expiration date</label>
        <input id="expiry" inputmode="numeric" autocomplete="cc-exp" placeholder="MM / YY" aria-describedby="expiry-error">
        <p class="error" id="expiry-error"></p></div>
      <div class="field"><label for="cvc">Security code</label>
        <input id="cvc" inputmode="numeric" autocomplete="cc-csc" placeholder="CVC" aria-describedby="cvc-error">
        <p class="error" id="cvc-error"></p></div>
    </fieldset>
    <details><summary>Test cards</summary><ul></ul></details>
  `

  class PaymentElement {
    #host = document.createElement("div")
    #root = this.#host.attachShadow({ mode: "open" })
    #handlers = new Map()

    constructor(appearance) {
      const sheet = new CSSStyleSheet()
      sheet.replaceSync(STYLE)
      this.#root.adoptedStyleSheets = [sheet]
      this.#root.innerHTML = FORM
      this.#dress(appearance)
      for (const name of Object.keys(CHECKS)) this.#watch(name)
      this.#offerTestCards()
    }

    mount(target) {
      const place = typeof target === "string" ? document.querySelector(target) : target
      if (!place) throw new Error("The element to mount into does not exist.")
      place.replaceChildren(this.#host)
      queueMicrotask(() => this.#tell("ready", { elementType: "payment" }))
      return this
    }
    unmount() { this.#host.remove() }
    destroy() { this.#host.remove() }
    update() {}
    focus() { this.#input("number").focus() }
    clear() { for (const name of Object.keys(CHECKS)) this.#input(name).value = "" }
    on(event, handler) { this.#handlers.set(event, [...(this.#handlers.get(event) ?? []), handler]); return this }
    off(event) { this.#handlers.delete(event); return this }

    dress(appearance) { this.#dress(appearance) }

    /** The first mistake, each shown at its field, or null. */
    check() {
      const errors = Object.keys(CHECKS).map((name) => [name, this.#show(name)]).filter(([, error]) => error)
      if (errors.length) this.#input(errors[0][0]).focus()
      return errors.length ? errors[0][1] : null
    }

    card() {
      const [month, year] = expiryOf(this.#input("expiry").value)
      return {
        "payment_method_data[type]": "card",
        "payment_method_data[card][number]": digits(this.#input("number").value),
        "payment_method_data[card][exp_month]": month,
        "payment_method_data[card][exp_year]": year,
        "payment_method_data[card][cvc]": digits(this.#input("cvc").value),
      }
    }

    #input(name) { return this.#root.getElementById(name) }

    #show(name) {
      const error = CHECKS[name](this.#input(name).value)
      this.#input(name).setAttribute("aria-invalid", String(error !== null))
      this.#root.getElementById(`${name}-error`).textContent = error?.message ?? ""
      return error
    }

    #watch(name) {
      const input = this.#input(name)
      input.addEventListener("input", (event) => {
        const deleting = event.inputType?.startsWith("delete")
        if (!deleting) input.value = FORMATS[name](input.value)
        if (input.getAttribute("aria-invalid") === "true") this.#show(name)
        this.#changed()
      })
      input.addEventListener("blur", () => { if (input.value) this.#show(name) })
    }

    #changed() {
      const complete = Object.entries(CHECKS).every(([name, check]) => check(this.#input(name).value) === null)
      this.#tell("change", { elementType: "payment", complete, empty: !this.#input("number").value, collapsed: false, value: { type: "card" } })
    }

    #tell(event, detail) { for (const handler of this.#handlers.get(event) ?? []) handler(detail) }

    #offerTestCards() {
      const list = this.#root.querySelector("ul")
      for (const [number, what] of TEST_CARDS) {
        const button = document.createElement("button")
        button.type = "button"
        button.innerHTML = `<strong>${what}</strong><span>${number}</span>`
        button.addEventListener("click", () => {
          this.#input("number").value = number
          this.#input("expiry").value = `12 / ${String(new Date().getFullYear() + 2).slice(2)}`
          this.#input("cvc").value = "123"
          for (const name of Object.keys(CHECKS)) this.#show(name)
          this.#changed()
        })
        list.append(document.createElement("li"))
        list.lastChild.append(button)
      }
    }

    #dress(appearance) {
      const look = { ...(THEMES[appearance?.theme] ?? THEMES.stripe), ...appearance?.variables }
      const set = (name, value) => value && this.#host.style.setProperty(name, value)
      set("--primary", look.colorPrimary)
      set("--background", look.colorBackground)
      set("--text", look.colorText)
      set("--danger", look.colorDanger)
      set("--font", look.fontFamily)
      set("--radius", look.borderRadius)
    }
  }

  class Elements {
    constructor(options) {
      this.options = options
      this.element = null
    }
    create(type) {
      if (type !== "payment") throw new Error(`Sandbox: elements.create("${type}") is not done here; use "payment".`)
      if (this.element) throw new Error("Can only create one Element of type payment.")
      this.element = new PaymentElement(this.options.appearance)
      return this.element
    }
    getElement(type) { return type === "payment" ? this.element : null }
    update(options) {
      Object.assign(this.options, options)
      this.element?.dress(this.options.appearance)
    }
    async fetchUpdates() { return {} }
    async submit() {
      const error = this.element?.check()
      return error ? { error } : { selectedPaymentMethod: "card" }
    }
  }

  // ---- Stripe ----

  class StripeSandbox {
    #key
    constructor(key) { this.#key = key }

    elements(options = {}) {
      // With a mode the intent is made later, and confirming brings its secret.
      if (!options.clientSecret && !options.mode) throw new Error("Sandbox: elements() needs a clientSecret or a mode.")
      return new Elements({ ...options })
    }

    async retrievePaymentIntent(clientSecret) {
      return this.#intent(await call("GET", `payment_intents/${idOf(clientSecret)}`, { key: this.#key, client_secret: clientSecret }))
    }

    async retrieveSetupIntent(clientSecret) {
      return this.#intent(await call("GET", `setup_intents/${idOf(clientSecret)}`, { key: this.#key, client_secret: clientSecret }))
    }

    confirmPayment(options) { return this.#confirm("payment_intents", options) }
    confirmSetup(options) { return this.#confirm("setup_intents", options) }

    async #confirm(path, { elements, clientSecret, confirmParams = {}, redirect = "always" }) {
      if (elements && !elements.element) throw new Error("Mount a Payment Element before confirming.")
      const wrong = elements?.element.check()
      if (wrong) return { error: wrong }
      const secret = clientSecret ?? elements.options.clientSecret
      if (!secret) throw new Error("Sandbox: confirming needs a clientSecret.")
      const params = { key: this.#key, client_secret: secret, ...elements?.element.card() }
      if (confirmParams.return_url) params.return_url = confirmParams.return_url
      const answer = await call("POST", `${path}/${idOf(secret)}/confirm`, params)
      if (answer.error) return answer
      return this.#finish(answer, confirmParams.return_url, redirect)
    }

    async handleNextAction({ clientSecret }) {
      const { paymentIntent, error } = await this.retrievePaymentIntent(clientSecret)
      return error ? { error } : this.#finish(paymentIntent, undefined, "if_required")
    }

    /** Leaves for the bank's page if it has to; the promise stays open meanwhile, as Stripe's does. */
    async #finish(intent, returnUrl, redirect) {
      const bank = intent.next_action?.redirect_to_url?.url
      if (bank) return this.#leave(bank)
      if (redirect === "always" && returnUrl) {
        const back = new URL(returnUrl)
        back.searchParams.set(intent.object, intent.id)
        back.searchParams.set(`${intent.object}_client_secret`, intent.client_secret)
        back.searchParams.set("redirect_status", intent.status === "processing" ? "pending" : "succeeded")
        return this.#leave(back)
      }
      return this.#intent(intent)
    }

    #leave(address) {
      window.location.assign(address)
      return new Promise(() => {})
    }

    #intent(answer) {
      if (answer.error) return answer
      return answer.object === "setup_intent" ? { setupIntent: answer } : { paymentIntent: answer }
    }
  }

  window.Stripe = function Stripe(key) {
    if (typeof key !== "string" || !key.startsWith("pk_test_")) {
      throw new Error("Sandbox: Stripe() takes a publishable test key, pk_test_….")
    }
    return new StripeSandbox(key)
  }
})()
