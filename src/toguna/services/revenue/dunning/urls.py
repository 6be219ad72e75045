from django.urls import path

from toguna.services.revenue.dunning import views

urlpatterns = [
    path("", views.plan, name="desk-dunning"),
    path("step", views.step, name="desk-dunning-new"),
    path("step/<int:pk>", views.step, name="desk-dunning-step"),
    path("letters", views.paper, name="desk-dunning-letters"),
    path("letters/<int:pk>", views.file, name="desk-dunning-file"),
    path("seizures", views.seizures, name="desk-dunning-seizures"),
    path("seizures/<int:pk>", views.decide, name="desk-dunning-decide"),
    path("visits", views.visits, name="desk-dunning-visits"),
    path("visits/<int:pk>", views.visited, name="desk-dunning-visited"),
]
