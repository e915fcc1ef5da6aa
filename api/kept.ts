/** Answers of the store, given again while what they were made of is the same; who asks meanwhile shares the read. */
export function createKept<T>(limit: number) {
  const answers = new Map<string, { readonly madeOf: string; readonly answer: Promise<T> }>()
  return (question: string, madeOf: string, read: () => Promise<T>): Promise<T> => {
    const known = answers.get(question)
    if (known?.madeOf === madeOf) return known.answer
    const answer = read()
    answer.catch(() => answers.delete(question))
    if (answers.size >= limit) answers.clear()
    answers.set(question, { madeOf, answer })
    return answer
  }
}
