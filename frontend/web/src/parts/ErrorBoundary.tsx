import { Component, type ReactNode } from "react";

interface State {
  error: Error | null;
}

/** The last net: the shop could not be opened at all, or a page broke. React has no other way to catch than a class. */
export class ErrorBoundary extends Component<{ children: ReactNode }, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: Error): State {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    return (
      <main role="alert">
        <h1>The shop cannot be opened just now</h1>
        <p>{this.state.error.message}</p>
        <p><button type="button" onClick={() => { window.location.reload(); }}>Try again</button></p>
      </main>
    );
  }
}
