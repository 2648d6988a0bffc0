import { Component, type ReactNode } from "react"

interface Props {
  /** What is shown instead, once something inside could not be drawn. */
  instead: ReactNode
  children: ReactNode
}

/** A mistake in one part of the page must not leave a white page. */
export class Boundary extends Component<Props, { failed: boolean }> {
  override state = { failed: false }

  static getDerivedStateFromError() {
    return { failed: true }
  }

  override render() {
    return this.state.failed ? this.props.instead : this.props.children
  }
}
