package docs_test

const ggenLog = ``
