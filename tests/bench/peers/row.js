// Which handler this run measures; the bench writes another one into the copy it starts.
export const ROW = 'hello';
