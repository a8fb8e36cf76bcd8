import neostandard from 'neostandard'

export default [
  ...neostandard({ ts: true, ignores: ['dist/**', 'coverage/**', 'node_modules/**', '.cache/**'] }),
  {
    rules: {
      // Tables of data read better with several members on a line.
      '@stylistic/object-property-newline': 'off',
      // Control characters and template placeholders are what attacks are made of.
      'no-control-regex': 'off',
      'no-template-curly-in-string': 'off'
    }
  },
  {
    files: ['**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error'
    }
  }
]
