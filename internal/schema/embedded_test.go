package schema_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

type (
	hidden = models.Receipt

	embedding  struct{ models.Receipt }
	byPointer  struct{ *models.Receipt }
	unexported struct{ embedding }
	twice      struct{ byPointer }
	two        struct { // at one depth: no method is promoted
		models.Receipt
		models.AuditEntry
	}
	nearer struct { // the session lies deeper
		models.Receipt
		session
	}
	session struct{ models.WorkflowSession }
	named   struct{ Receipt models.Receipt }
	renamed models.Receipt
	alias   struct{ hidden }
	cyclic  struct{ *cyclic }
)

func TestModelIn(t *testing.T) {
	t.Parallel()
	for _, want := range models.All() {
		m, exact := schema.ModelIn(reflect.ValueOf(want).Elem())
		assert.True(t, exact)
		assert.Same(t, want, m)
	}

	receipt := &models.Receipt{}
	direct, outer, both := &embedding{}, &unexported{}, &nearer{}
	for name, tt := range map[string]struct {
		value any
		want  *models.Receipt
	}{
		"Embedded":        {direct, &direct.Receipt},
		"Pointer":         {&byPointer{receipt}, receipt},
		"Twice":           {outer, &outer.Receipt},
		"TwiceByPointer":  {&twice{byPointer{receipt}}, receipt},
		"Shallowest":      {both, &both.Receipt},
		"NilPointer":      {&byPointer{}, nil},
		"TwoAtOneDepth":   {&two{}, nil},
		"Named":           {&named{}, nil},
		"OwnType":         {&renamed{}, nil},
		"UnexportedAlias": {&alias{}, nil},
		"Cyclic":          {func() *cyclic { c := &cyclic{}; c.cyclic = c; return c }(), nil},
		"Other":           {&struct{ A int }{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, exact := schema.ModelIn(reflect.ValueOf(tt.value).Elem())
			assert.False(t, exact)
			if tt.want == nil {
				require.Nil(t, m)
				return
			}
			assert.Same(t, tt.want, m)
		})
	}
}
